"""What a Postgres server needs before the services can migrate."""
