"""Other people's words as HTML: Markdown with safe links, never their markup."""

from collections.abc import Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

#: A conversation is shown again with every change of it.
KEPT_TEXTS = 512
#: The reader tries every opening bracket with every other: more of them than anybody
#: writes would keep the whole process from its work.
MAXIMUM_BRACKETS = 200

_LINK_RELATION = "nofollow noopener noreferrer"


def _link_opens(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    tokens[index].attrSet("rel", _LINK_RELATION)
    return renderer.renderToken(tokens, index, options, env)


def _reader() -> MarkdownIt:
    """Return the reader: HTML stays text, pictures from elsewhere become links."""
    reader = MarkdownIt(
        "js-default",
        {"html": False, "linkify": True, "breaks": True, "typographer": False},
    )
    # A picture would tell its host who reads this, and when.
    reader.disable(["image"])
    reader.add_render_rule("link_open", _link_opens)
    return reader


_READER = _reader()


@lru_cache(maxsize=KEPT_TEXTS)
def words(text: str) -> Markup:
    """Return what somebody wrote, for reading; `<script>` is shown as it stands."""
    if text.count("[") > MAXIMUM_BRACKETS:
        return Markup('<p class="plain">{}</p>').format(text)
    return Markup(_READER.render(text))  # noqa: S704 - html is off: all is escaped
