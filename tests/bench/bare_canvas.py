"""The canvas of the Draw page alone: prints the number of strokes. What draw_latency.py compares with."""

import streamlit as st
from streamlit_drawable_canvas import st_canvas

version = st.session_state.get("version", 0)
with st.container(key="canvas"):
    canvas = st_canvas(
        stroke_width=18,
        stroke_color="#000000",
        background_color="#FFFFFF",
        initial_drawing={"objects": [], "version": version},
        return_image_data=True,
        width=280,
        height=280,
        key="pad",
    )
with st.container(key="answer_1"):
    st.html(f"<p>{len((canvas.json_data or {}).get('objects', []))}</p>")
st.button("Clear", key="clear", on_click=lambda: st.session_state.update(version=version + 1))
