-- A product's texts in other languages than English: {"pt-BR": {name, group, description}}.
-- The release before this one goes on with the English ones.
ALTER TABLE products ADD COLUMN translations jsonb NOT NULL DEFAULT '{}';
