"""The camera's picture comes as sharp as the camera takes it."""

from playwright.sync_api import Browser, expect
from serving import new_context, settle


def test_a_picture_of_the_camera_has_all_its_pixels_on_a_phone_too(browser: Browser, server: str) -> None:
    context = new_context(browser, viewport={"width": 390, "height": 844}, permissions=["camera"])
    page = context.new_page()
    page.goto(f"{server}/Upload")
    settle(page)
    page.get_by_text("Camera", exact=True).click()
    page.wait_for_function("document.querySelector('.st-key-camera video')?.videoWidth")
    page.get_by_role("button", name="Take Photo").click()
    expect(page.locator(".picture span")).to_have_text("camera 1.jpg", timeout=60_000)
    taken = page.locator(".st-key-camera img").first
    expect(taken).to_have_js_property("naturalWidth", 1920)
    expect(taken).to_have_js_property("naturalHeight", 1080)
    context.close()
