"""The page for when no page can be made: it depends on nothing, least of all on us."""

from html import escape

from aiohttp import web

#: In both languages: which one is read is among what may have failed.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Something went wrong · Algo deu errado</title>
</head>
<body>
<h1>{title}</h1>
<p>{text}</p>
<div lang="pt-BR">
<h2>{titulo}</h2>
<p>{texto}</p>
</div>
<p><a href="/">Home · Início</a></p>
<p><small>{request_id}</small></p>
</body>
</html>
"""
_OURS = {
    "title": "Something went wrong on our side",
    "text": "We have noted it. Please try again in a moment; if it keeps happening, "
    "contact us and name the number below.",
    "titulo": "Algo deu errado do nosso lado",
    "texto": "Já registramos o problema. Tente de novo em instantes; se continuar, "
    "fale conosco e informe o número abaixo.",
}
_THEIRS = {
    "title": "We couldn't read this request",
    "text": "Your browser sent something that we can't read. Please delete this "
    "site's cookies, and try again.",
    "titulo": "Não conseguimos ler este pedido",
    "texto": "O navegador enviou algo que não conseguimos ler. Apague os cookies "
    "deste site e tente de novo.",
}


def last_page(status: int, request_id: str) -> web.Response:
    """Return a plain page; from 500 on it takes the blame."""
    words = _OURS if status >= web.HTTPInternalServerError.status_code else _THEIRS
    return web.Response(
        status=status,
        text=_PAGE.format(**words, request_id=escape(request_id)),
        content_type="text/html",
        headers={"Cache-Control": "no-store"},
    )
