"""The outlines of marks around a point."""

from equibid.reports.charts.text import px


def symbol(name: str, x: float, y: float, size: float, colour: str, more: str = "") -> str:
    """A mark as SVG.

    Args:
        name: "circle", "square", "diamond", "triangle-up", "triangle-down", "x" or "bar", with
            "-open" behind it where it is hollow.
        x: of its middle, pixels.
        y: of its middle, pixels.
        size: across, pixels.
        colour: of it.
        more: attributes.
    """
    kind, hollow = name.removesuffix("-open"), name.endswith("-open")
    r = size / 2
    paint = f'fill="none" stroke="{colour}" stroke-width="2"' if hollow else f'fill="{colour}"'
    if kind == "circle":
        return f'<circle cx="{px(x)}" cy="{px(y)}" r="{px(r)}" {paint}{more}/>'
    if kind == "bar":
        line = f"M{px(x)} {px(y - r)}V{px(y + r)}"
        return f'<path d="{line}" stroke="{colour}" stroke-width="2.5"{more}/>'
    if kind == "x":
        cross = (
            f"M{px(x - r)} {px(y - r)}l{px(size)} {px(size)}m0 {px(-size)}l{px(-size)} {px(size)}"
        )
        return f'<path d="{cross}" fill="none" stroke="{colour}" stroke-width="2.5"{more}/>'
    corners = {
        "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "diamond": [(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)],
        "triangle-up": [(0, -1.15), (1.1, 0.85), (-1.1, 0.85)],
        "triangle-down": [(0, 1.15), (1.1, -0.85), (-1.1, -0.85)],
    }[kind]
    outline = "L".join(f"{px(x + r * a)} {px(y + r * b)}" for a, b in corners)
    return f'<path d="M{outline}Z" {paint}{more}/>'
