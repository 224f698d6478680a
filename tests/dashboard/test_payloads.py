"""Stored cross-site scripting: whatever stands in a contact shows as text, and does nothing."""

from collections.abc import Callable
from itertools import product

from tests.dashboard.conftest import Window
from tests.world import Person, World

ACTS = [
    "boom()",
    "self['boom']()",
    "eval('boom()')",
    "location='javascript:boom()'",
    "&#98;oom()",
]
SHAPES = [
    "<script>{}</script>",
    "<ScRiPt >{}//",
    "</script><script>{}</script>",
    '"><script>{}</script>',
    "'><img src=x onerror={}>",
    '<img src=x onerror="{}">',
    "<svg onload={}>",
    "<svg><animate onbegin={} attributeName=x dur=1s>",
    "<body onload={}>",
    '<iframe srcdoc="<script>parent.{}</script>">',
    "<details open ontoggle={}>",
    '" autofocus onfocus="{}',
    "' onmouseover='{}",
    "x onpointerenter={} y",
    "javascript:{}",
    "data:text/html,<script>{}</script>",
    "</textarea><script>{}</script>",
    "</title><script>{}</script>",
    "</td></tr></table><script>{}</script>",
    "</option></select><script>{}</script>",
    "<!--<script>{}</script>-->",
    "<![CDATA[<script>{}</script>]]>",
    "{{% {} %}}",
    "{{{{ {} }}}}",
    "${{{}}}",
    "<style>@import 'x';</style><script>{}</script>",
    "<link rel=stylesheet href=x onload={}>",
    "<base href=//evil.example/><script>{}</script>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror={}>",
    "<template><script>{}</script></template>",
    "<form action=javascript:{}><button autofocus>",
    "<input onfocus={} autofocus>",
    "<marquee onstart={}>",
    "<a href=javascript:{}>x</a>",
    "<object data=javascript:{}>",
    "<embed src=javascript:{}>",
    "<meta http-equiv=refresh content='0;url=javascript:{}'>",
    "<x hx-on:load={}>",
    "<div hx-get=/sign-out hx-trigger=load>{}</div>",
    "<div hx-vals='js:{{x: {}}}' hx-get=/ hx-trigger=load>",
]
PAYLOADS = [shape.format(act) for shape, act in product(SHAPES, ACTS)]


def test_two_hundred_payloads_show_as_text(
    windows: Callable[..., Window], world: World, olive: Person
) -> None:
    assert len(set(PAYLOADS)) == 200
    world.field("Notes")
    made = [{"firstName": p, "tags": [p], "customFields": {"Notes": p}} for p in PAYLOADS]
    results = world.alice.batch(*({"op": "create", "data": data} for data in made)).json()["results"]
    ids = [result["contact"]["id"] for result in results]
    window = windows(olive)
    window.context.add_init_script("window.booms = 0; window.boom = () => { window.booms += 1; }")
    page = window.page
    page.goto(f"/w/{world.acme}/contacts")
    for count in (100, 150, 200):
        page.locator("tr.more").scroll_into_view_if_needed()
        page.wait_for_function("n => document.querySelectorAll('tr[data-id]').length === n", arg=count)
    for column in ("[data-key=firstName] .value", ".tag", "[data-key^=field-] .value"):
        assert sorted(page.locator(f"tr[data-id] {column}").all_text_contents()) == sorted(PAYLOADS)
    assert page.evaluate("window.booms") == 0
    for contact_id, payload in list(zip(ids, PAYLOADS, strict=True))[::20]:
        page.goto(f"/w/{world.acme}/contacts/{contact_id}")
        assert page.get_by_label("First name").input_value() == payload
        assert page.get_by_role("heading", level=1).text_content() == payload
        assert page.evaluate("window.booms") == 0
