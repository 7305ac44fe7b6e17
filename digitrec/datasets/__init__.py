"""MNIST, UNIPEN, and what is made of them to learn from: glyphs and synthetic pages."""
