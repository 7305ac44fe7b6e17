"""Use a page with the keyboard alone."""

from playwright.sync_api import Page

NAMED = """(inside) => {
  const focused = document.activeElement;
  if (!focused.closest(inside)) return "";
  return (focused.getAttribute("aria-label") || focused.innerText || "").trim().replace(/\\s+/g, " ");
}"""


def tab_to(page: Page, name: str, inside: str = "body") -> None:
    """Press Tab until what has the focus has this name, after its icon's; that it has the focus must be seen.

    Args:
        page: The page.
        name: The name.
        inside: A selector of what it stands in.
    """
    for _ in range(150):
        page.keyboard.press("Tab")
        named = page.evaluate(NAMED, inside)
        if name in (named, named.partition(" ")[2]):
            assert _looks_focused(page), f"it is not seen that {name!r} has the focus"
            return
    raise AssertionError(f"Tab does not lead to {name!r}")


def _looks_focused(page: Page) -> bool:
    """Return whether what has the focus looks otherwise without it."""
    focused = page.evaluate_handle("document.activeElement").as_element()
    assert focused
    page.wait_for_timeout(300)  # rings fade in
    area = focused.bounding_box()
    assert area
    clip = {"x": area["x"] - 6, "y": area["y"] - 6, "width": area["width"] + 12, "height": area["height"] + 12}
    with_focus = page.screenshot(clip=clip, caret="hide")  # type: ignore[arg-type]
    focused.evaluate("element => element.blur()")
    page.wait_for_timeout(300)
    without = page.screenshot(clip=clip, caret="hide")  # type: ignore[arg-type]
    focused.focus()
    return with_focus != without
