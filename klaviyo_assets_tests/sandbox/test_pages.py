"""The pages, as text."""

from __future__ import annotations

import httpx

from klaviyo_assets.sandbox import AnswerWith, FailRows, Flow, RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import LISTS


def page(sandbox: RunningSandbox, path: str = "/", *, status: int = 200) -> str:
    """The text of a page."""
    answer = httpx.get(sandbox.url + path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    return answer.text


def test_an_empty_sandbox(sandbox: RunningSandbox) -> None:
    """It says that there is nothing yet."""
    text = page(sandbox)

    for words in ("No lists yet.", "No bulk jobs yet.", "Nothing has been asked yet."):
        assert words in text


def test_what_an_account_holds(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Lists with counts and flows, bulk jobs with counters and errors, faults, and the last requests."""
    list_id = sandbox.create_list("High value", flows=(Flow("Flow01", "Welcome series"),))
    sandbox.order_fault(FailRows(indexes=(1,), code="odd_code"), path="*/profile-bulk-import-jobs")
    later = sandbox.order_fault(AnswerWith(503), path="/api/accounts")
    bodies.complete(sandbox, klaviyo, bodies.people(1500), list_id)
    klaviyo.get(f"{LISTS}/NOPE01")
    text = " ".join(page(sandbox).split())

    for words in (
        f'<a class="name" href="/list/{list_id}/members">High value</a>',
        '<td class="number">1,499</td>',
        "Welcome series",
        '<span class="pill complete">complete</span>',
        "1 row</summary>",
        "odd_code",
        "0 of 1",
        "GET /api/lists/NOPE01",
        '<span class="pill warn">404</span>',
    ):
        assert words in text
    klaviyo.get("/api/accounts")
    assert later.remaining_count == 0


def test_the_members_of_a_list(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Fifty to a page, with their properties; beyond the last page is the last page."""
    list_id = sandbox.create_list("VIP")
    full = {"email": "ann@example.com", "first_name": "Ann", "properties": {"tier": "gold", "tags": ["ä"]}}
    bodies.complete(sandbox, klaviyo, [*bodies.people(119), *bodies.rows(full)], list_id)
    first, last, odd = (page(sandbox, f"/list/{list_id}/members?page={number}") for number in (1, 99, "x"))

    assert first.count("@example.com") == odd.count("@example.com") == 50
    assert last.count("@example.com") == 20
    assert "page 3 of 3" in last
    for words in ("<b>ann@example.com</b>", "<td>Ann</td>", "<b>tier</b> gold", "<b>tags</b> [&#34;ä&#34;]"):
        assert words in last


def test_accounts_can_be_chosen(sandbox: RunningSandbox) -> None:
    """Each has its page; a list is found in whichever account has it."""
    sandbox.add_account("pk_other", account_id="Other1", name="Contoso")
    list_id = sandbox.create_list("Theirs", account_id="Other1")

    assert "Theirs" not in page(sandbox)
    assert "Theirs" in page(sandbox, "/?account=Other1")
    assert "Contoso" in page(sandbox, f"/list/{list_id}/members")
    assert sandbox.key not in page(sandbox)


def test_names_are_only_names(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Nothing in a name becomes part of the page."""
    klaviyo.post(LISTS, json=bodies.a_list("<script>alert(1)</script> & co 😀"))
    text = page(sandbox)

    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co 😀" in text
    assert "<script>alert" not in text


def test_a_list_that_there_is_not(sandbox: RunningSandbox) -> None:
    """It is 404, with a way back."""
    assert 'href="/"' in page(sandbox, "/list/NOPE01/members", status=404)


def test_nothing_is_fetched_from_elsewhere(sandbox: RunningSandbox) -> None:
    """The page names no other host."""
    text = page(sandbox)

    assert "http://" not in text
    assert "https://" not in text
    assert "src=" not in text
