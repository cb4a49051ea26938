"""Markup that somebody may write where a name, a question, a title or a file name is asked for: none of it may ever run or ask for anything.

Each form asks for an address that holds `MARK`, calls `alert`, or sets `window.hit`: whatever of it works is seen.
"""

from __future__ import annotations

MARK = "/touche"
_RUN = "window.hit=1;alert(1);fetch(&quot;" + MARK + "&quot;)"
_PLAIN = f"window.hit=1;alert(1);fetch('{MARK}')"

_TAGS = (
    f"<script>{_PLAIN}</script>",
    f"<ScRiPt src={MARK}/a.js></sCrIpT>",
    f'<script type="module">import "{MARK}/m.js"</script>',
    f'<script type="speculationrules">{{"prefetch":[{{"urls":["{MARK}/s"]}}]}}</script>',
    f'<img src="{MARK}/i.png">',
    f'<img src=x onerror="{_RUN}">',
    f'<img srcset="{MARK}/s.png 1x">',
    f'<picture><source srcset="{MARK}/p.png"><img></picture>',
    f'<svg onload="{_RUN}"></svg>',
    f'<svg><image href="{MARK}/x.svg"></image></svg>',
    f'<svg><use href="{MARK}/u.svg#a"></use></svg>',
    f"<svg><script>{_PLAIN}</script></svg>",
    f'<svg><animate onbegin="{_RUN}" attributeName="x" dur="1s"></animate></svg>',
    f'<svg><foreignObject><iframe src="{MARK}/fo"></iframe></foreignObject></svg>',
    f'<math><mtext><img src=x onerror="{_RUN}"></mtext></math>',
    f'<iframe src="{MARK}/f"></iframe>',
    '<iframe srcdoc="<script>parent.hit=1</script>"></iframe>',
    f'<object data="{MARK}/o"></object>',
    f'<embed src="{MARK}/e">',
    f'<link rel="stylesheet" href="{MARK}/l.css">',
    f'<link rel="prefetch" href="{MARK}/l">',
    f'<style>@import "{MARK}/c.css";</style>',
    f'<p style="background:url({MARK}/bg)">fond</p>',
    f'<base href="{MARK}/">',
    f'<meta http-equiv="refresh" content="0;url={MARK}/r">',
    f'<form action="{MARK}/form"><input type="submit" autofocus onfocus="{_RUN}"></form>',
    f'<input autofocus onfocus="{_RUN}">',
    f'<button formaction="{MARK}/b" form="x">Envoyer</button>',
    f'<details open ontoggle="{_RUN}"><summary>x</summary></details>',
    f'<video autoplay src="{MARK}/v" onerror="{_RUN}"></video>',
    f'<audio autoplay src="{MARK}/au"></audio>',
    f'<video poster="{MARK}/po.png"></video>',
    f'<track src="{MARK}/t.vtt">',
    f'<body onload="{_RUN}" background="{MARK}/bo">',
    f'<marquee onstart="{_RUN}">x</marquee>',
    f'<a href="javascript:{_RUN}" autofocus>lien</a>',
    f'<a href="#" ping="{MARK}/ping">lien</a>',
    f'<div hx-get="{MARK}/hx" hx-trigger="load"></div>',
    f'<div data-hx-get="{MARK}/dhx" data-hx-trigger="load"></div>',
    f'<div hx-post="{MARK}/hxp" hx-trigger="every 1s"></div>',
    f'<div hx-sse:connect="{MARK}/sse"></div>',
    f'<div hx-on:load="{_RUN}"></div>',
    f'<div id="vivant" data-live="{MARK}/live"></div>',
    f'<p data-live="{MARK}/live2"><button>x</button></p>',
    f'<form data-autosave data-asks="x>=0" action="{MARK}/auto"><input name="x" value="1"></form>',
    f'<template shadowrootmode="open"><img src="{MARK}/sh"></template>',
    f'<portal src="{MARK}/portal"></portal>',
    f'<noscript><p title="</noscript><img src={MARK}/ns>"></noscript>',
    f"<listing>&lt;img src={MARK}/li&gt;</listing>",
    f'<x onclick="{_RUN}" tabindex=1 autofocus onfocus="{_RUN}">x</x>',
)
_BROKEN_OUT = ('">', "'>", "</textarea>", "</title>", "</script>", "-->", "]]>", "</style></svg>", "`>", "&#34;&#62;")
_OTHERS = (
    "{{ 7*7 }}{% import os %}${7*7}#{7*7}<%= 7*7 %>",
    f"javascript:{_PLAIN}",
    f"data:text/html,<script>{_PLAIN}</script>",
    f"[x](javascript:{_PLAIN})",
    f"![x]({MARK}/md.png)",
    f"\u202e<img src={MARK}/rtl>",
    f"<img\u00a0src={MARK}/nbsp>",
    f"＜img src={MARK}/full＞",
    f"%3Cimg%20src%3D{MARK}%2Fpc%3E",
    f"&lt;img src={MARK}/ent&gt;",
    f"&amp;lt;img src={MARK}/ent2&amp;gt;",
    f"<<img src={MARK}/dbl>>",
    f"<img/src={MARK}/slash/onerror={_PLAIN}>",
    f"<!--<img src='--><img src={MARK}/com>'-->",
    f"<![CDATA[<img src={MARK}/cd>]]>",
    f"<?xml-stylesheet href='{MARK}/xs'?>",
)


def forms() -> list[str]:
    """Every form, each its own: tags alone, tags that first break out of where they stand, and what is no tag at first sight."""
    broken = [f"{way}{_TAGS[at * 7 % len(_TAGS)]}" for at, way in enumerate(_BROKEN_OUT * 4)]
    found = [*_TAGS, *broken, *_OTHERS]
    return list(dict.fromkeys(found))
