def test_smoke(visit):
    page = visit("Upload")
    assert page.title() == "x"
