"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const charts = [...document.querySelectorAll("[data-figure]")];
const chips = [...document.querySelectorAll("nav [data-bidder]")];
const everyone = document.querySelector("nav [data-everyone]");
const chosen = new Set();
const narrow = matchMedia("screen and (max-width: 720px)");
const FEW = 3;

// Chosen bidders keep their colour and show the range of replicates; the others stay as context.
function show() {
  for (const chip of chips)
    chip.setAttribute("aria-pressed", chosen.has(Number(chip.dataset.bidder)));
  everyone.setAttribute("aria-pressed", chosen.size === 0);
  const few = (chosen.size || chips.length) <= FEW;
  for (const chart of charts) {
    const traces = chart.data.map((trace) => trace.meta);
    const lit = traces.map((t) => t.bidder < 0 || !chosen.size || chosen.has(t.bidder));
    const visible = traces.map((t, i) =>
      t.role === "band" ? few && lit[i] : t.role !== "label" || (lit[i] && !narrow.matches));
    Plotly.restyle(chart, { opacity: lit.map((on) => (on ? 1 : 0.2)), visible });
  }
}

function choose(bidder) {
  if (!chosen.delete(bidder)) chosen.add(bidder);
  show();
}

// Names at the ends of curves need room that a phone has not.
function fit() {
  for (const chart of charts) {
    const labelled = chart.data.some((trace) => trace.meta.role === "label");
    if (labelled) Plotly.relayout(chart, { "margin.r": narrow.matches ? 12 : 116 });
  }
  show();
}

async function draw() {
  const settings = { displayModeBar: false, responsive: true };
  for (const chart of charts) {
    const { data, layout } = figures[chart.dataset.figure];
    await Plotly.newPlot(chart, data, layout, settings);
    chart.on("plotly_click", ({ points }) => {
      const { bidder } = points[0].data.meta;
      if (bidder >= 0) choose(bidder);
    });
  }
  for (const chip of chips) chip.onclick = () => choose(Number(chip.dataset.bidder));
  everyone.onclick = () => { chosen.clear(); show(); };
  narrow.onchange = fit;
  fit();
  document.documentElement.dataset.ready = "yes";
}

const PAPER = 680;
addEventListener("beforeprint", () => {
  for (const chart of charts) Plotly.relayout(chart, { width: PAPER, autosize: false });
});
addEventListener("afterprint", () => {
  for (const chart of charts) Plotly.relayout(chart, { width: null, autosize: true });
});
draw();
