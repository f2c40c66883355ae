"""Orders and customers from tables, on the page."""

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.accounts import access_log
from wasl.customers.models import Customer, Order
from wasl.kit.db import tenant

HTMX = {"HX-Request": "true"}
ORDERS = """number,customer,status,placed_at,total,currency
DZ-1,nora@example.org,sent,2026-11-02,412.80,EUR
DZ-2,nora@example.org,gone,2026-11-02,10,EUR
"""


def sheet(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("orders.csv", text.encode(), "text/csv")


def test_a_table_is_brought_in_slice_by_slice(shop: Shop, browser: Browser) -> None:
    admin = browser(shop, "admin")
    assert "Needed columns" in admin.get("/imports").text
    first = admin.post("/imports/orders", {"sheet": sheet(ORDERS)}, headers=HTMX)
    assert "New: 1 · changed: 0" in first.text
    assert "Line 3, column" in first.text
    so_far = {"made": 1, "wrong": 1, "lines": 2}
    second = admin.post(
        "/imports/orders", {"sheet": sheet(ORDERS.replace("DZ-1", "DZ-3")), **so_far}, headers=HTMX
    )
    assert "New: 2 · changed: 0" in second.text
    assert "Line 5, column" in second.text
    assert "Left out: 2." in second.text
    with tenant(shop.id):
        assert set(Order.objects.values_list("number", flat=True)) == {"DZ-1", "DZ-3"}
    again = admin.post("/imports/orders", {"sheet": sheet(ORDERS)}, headers=HTMX)
    assert "New: 0" in again.text
    with tenant(shop.id):
        lines, _ = access_log.lines(shop.actor("owner"), access_log.Filter())
        assert [(line.who, line.verb, line.detail) for line in lines] == [
            ("Admin", "import_orders", {"made": "1", "updated": "0"})
        ] * 2, "what changed something, and nothing else"
    assert "Brought in orders (new: \u20681\u2069, changed: \u20680\u2069)" in admin.get("/access").text


def test_without_scripts_it_comes_whole_and_a_wrong_one_is_refused(shop: Shop, browser: Browser) -> None:
    admin = browser(shop, "admin")
    page = admin.post("/imports/contacts", {"sheet": sheet("email,name\nzed@example.org,Zed\n")})
    assert "<h1>" in page.text
    assert "New: 1" in page.text
    with tenant(shop.id):
        assert Customer.objects.filter(name="Zed").exists()
    wrong = admin.post("/imports/contacts", {"sheet": sheet("name\nZed\n")}, headers=HTMX)
    assert (wrong.status_code, "email" in wrong.text) == (422, True)
    empty = admin.post("/imports/orders", {})
    assert "Choose a file first." in empty.text
    assert browser(shop, "agent").post("/imports/orders", {"sheet": sheet(ORDERS)}).status_code == 403
