"use strict";
const chips = [...document.querySelectorAll(".chips [data-bidder]")];
const everyone = document.querySelector(".chips [data-everyone]");
const tip = document.getElementById("tip");
const chosen = new Set();
const FEW = 3, NEAR = 40;

// What is picked out keeps its colour and shows its band; the rest stays as context.
function show() {
  for (const chip of chips)
    chip.setAttribute("aria-pressed", chosen.has(Number(chip.dataset.bidder)));
  everyone.setAttribute("aria-pressed", chosen.size === 0);
  document.body.classList.toggle("few", (chosen.size || chips.length) <= FEW);
  for (const part of document.querySelectorAll("svg g[data-b]"))
    part.classList.toggle("off", chosen.size > 0 && !chosen.has(Number(part.dataset.b)));
}

function choose(bidder) {
  if (!chosen.delete(bidder)) chosen.add(bidder);
  show();
}

// The points of a picture that something is told of: marks, and the corners of lines.
const known = new WeakMap();
function points(svg) {
  if (known.has(svg)) return known.get(svg);
  const found = [];
  for (const shape of svg.querySelectorAll("g:not(.cells) > [data-k]")) {
    const part = shape.parentNode, first = Number(shape.dataset.k);
    if (!part.classList.contains("line")) {
      const box = shape.getBBox();
      const x = part.classList.contains("bars") ? box.x + box.width : box.x + box.width / 2;
      found.push({ x, y: box.y + box.height / 2, key: first, part });
      continue;
    }
    let x = 0, y = 0, key = first;
    for (const [, kind, a, b] of shape.getAttribute("d").matchAll(/([MLHV])(-?[\d.]+)(?: (-?[\d.]+))?/g)) {
      if (kind === "H") { x = Number(a); continue; }
      if (kind === "V") y = Number(a); else [x, y] = [Number(a), Number(b)];
      found.push({ x, y, key: key++, part });
    }
  }
  known.set(svg, found);
  return found;
}

function nearest(svg, event) {
  const cell = event.target.closest?.(".cells > [data-k]");
  if (cell) return { key: Number(cell.dataset.k), part: cell.parentNode };
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  let best = null, least = NEAR;
  for (const point of points(svg)) {
    const far = Math.hypot(point.x - at.x, point.y - at.y);
    if (far < least && !point.part.classList.contains("off")) [best, least] = [point, far];
  }
  return best;
}

function tell(event, told) {
  const svg = event.target.closest("svg");
  const point = svg && nearest(svg, event);
  tip.hidden = !point;
  if (!point) return;
  tip.textContent = told[point.key];
  const right = innerWidth - tip.offsetWidth - 8;
  tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, right))}px`;
  const below = event.clientY + 18;
  const above = event.clientY - tip.offsetHeight - 14;
  tip.style.top = `${below + tip.offsetHeight > innerHeight ? Math.max(8, above) : below}px`;
}

for (const chart of document.querySelectorAll(".chart")) {
  const told = JSON.parse(chart.querySelector("script").textContent);
  if (!told.length) continue;
  chart.addEventListener("pointermove", (event) => tell(event, told));
  chart.addEventListener("pointerdown", (event) => tell(event, told));
  chart.addEventListener("pointerleave", () => { tip.hidden = true; });
  chart.addEventListener("click", (event) => {
    const svg = event.target.closest("svg");
    const whose = svg && nearest(svg, event)?.part.dataset.b;
    if (whose !== undefined && everyone) choose(Number(whose));
  });
}
for (const chip of chips) chip.onclick = () => choose(Number(chip.dataset.bidder));
if (everyone) everyone.onclick = () => { chosen.clear(); show(); };

// On paper nothing can be opened.
const closed = [];
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) {
    part.open = true;
    closed.push(part);
  }
});
addEventListener("afterprint", () => { for (const part of closed.splice(0)) part.open = false; });
document.documentElement.dataset.ready = "yes";
