"""The tests' own eyes: what is wrong on purpose is seen, and nothing else is."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Error, Page

from deploy.local.ports import LOOPBACK
from gateway.headers import PAGE_POLICY
from tests.browser.axe import check_accessible
from tests.browser.watch import Watch

SOUND = """<!doctype html><html lang="en"><head><title>Sound</title>
<link rel="icon" href="data:,"></head>
<body><main><h1>Sound</h1><label>Name <input name="name"></label></main></body></html>
"""
SITE = {
    "/sound": SOUND,
    "/inline-script": SOUND.replace("</main>", "<script>let a = 1;</script></main>"),
    "/inline-style": SOUND.replace("<h1>", '<h1 style="color: red">'),
    "/picture": SOUND.replace(
        "</main>", '<img alt="" src="http://elsewhere.test/a.png"></main>'
    ),
    "/missing-picture": SOUND.replace("</main>", '<img alt="" src="/none.png"></main>'),
    "/throwing": SOUND.replace("</main>", '<script src="/throw.js"></script></main>'),
    "/logging": SOUND.replace("</main>", '<script src="/log.js"></script></main>'),
    "/unlabelled": SOUND.replace("<label>Name ", "<label></label>"),
    "/pale": SOUND.replace(
        "</head>", '<link rel="stylesheet" href="/pale.css"></head>'
    ),
}
FILES = {
    "/throw.js": ("text/javascript", "throw new Error('thrown on purpose')"),
    "/log.js": ("text/javascript", "console.error('logged on purpose')"),
    "/pale.css": (
        "text/css",
        "@media (prefers-color-scheme: dark) { h1 { color: #777; background: #888 } }",
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site() -> AsyncGenerator[str]:
    """A site with the portal's content policy, and a page for each thing wrong."""

    async def show(request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": PAGE_POLICY}
        if request.path in FILES:
            media_type, text = FILES[request.path]
            return web.Response(text=text, content_type=media_type)
        page = SITE.get(request.path)
        return web.Response(
            text=page or SOUND,
            status=200 if page else 422,
            content_type="text/html",
            headers=headers,
        )

    app = web.Application()
    app.router.add_get("/{path:.*}", show)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    yield f"http://{LOOPBACK}:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def seen() -> Watch:
    """A watch that is asked by the test, not at its end."""
    return Watch()


@pytest_asyncio.fixture(loop_scope="session", params=[True, False], ids=["js", "no js"])
async def page(
    request: pytest.FixtureRequest, browser: Browser, site: str, seen: Watch
) -> AsyncGenerator[Page]:
    context = await browser.new_context(
        base_url=site, java_script_enabled=request.param
    )
    seen.over(context)
    yield await context.new_page()
    await context.close()


async def test_a_sound_page_has_no_faults(page: Page, seen: Watch) -> None:
    await page.goto("/sound")
    assert seen.faults == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/inline-style", "Content Security Policy"),
        ("/picture", "asked another machine for http://elsewhere.test/a.png"),
        ("/missing-picture", "422 from"),
        ("/refused", "422 from"),
    ],
)
async def test_what_is_wrong_is_seen(
    page: Page, seen: Watch, path: str, told: str
) -> None:
    await page.goto(path)
    assert any(told in fault for fault in seen.faults), seen.faults


@pytest.mark.parametrize("page", [True], indirect=True, ids=["js"])
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/inline-script", "Content Security Policy"),
        ("/throwing", "thrown on purpose"),
        ("/logging", "logged on purpose"),
    ],
)
async def test_what_scripts_do_wrong_is_seen(
    page: Page, seen: Watch, path: str, told: str
) -> None:
    await page.goto(path)
    assert any(told in fault for fault in seen.faults), seen.faults


async def test_a_refusal_that_is_expected_is_no_fault(page: Page, seen: Watch) -> None:
    await page.goto("/refused")
    seen.allow(404)
    assert seen.faults != []
    seen.allow(422)
    assert seen.faults == []


async def test_no_other_machine_is_reached(page: Page, seen: Watch) -> None:
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        await page.goto("http://elsewhere.test/")
    assert "asked another machine for http://elsewhere.test/" in seen.faults


@pytest.mark.parametrize("page", [True], indirect=True, ids=["js"])
class TestAxe:
    async def test_finds_nothing_on_a_sound_page(self, page: Page, seen: Watch) -> None:
        await page.goto("/sound")
        await check_accessible(page)
        # It works under the content policy that the portal's pages have.
        assert seen.faults == []

    async def test_tells_which_rule_is_broken_where(self, page: Page) -> None:
        await page.goto("/unlabelled")
        with pytest.raises(AssertionError, match=r"light: label .* input"):
            await check_accessible(page)

    async def test_looks_at_both_themes(self, page: Page) -> None:
        await page.goto("/pale")
        await check_accessible(page, themes=["light"])
        with pytest.raises(AssertionError, match=r"dark: color-contrast .* at h1"):
            await check_accessible(page)
