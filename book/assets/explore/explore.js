/* The page Explore. Data come as scripts that call explore.take(name, value), so that the page also works from a file. */
"use strict";

const explore = { waiting: new Map(), known: new Map() };
explore.take = (name, value) => explore.waiting.get(name)(value);

(() => {
  const DATA = new URL("data/", document.currentScript.src);
  const AT_ONCE = 25;
  const OUTCOMES = [["wrong", "fixed"], ["broken", "right"]];
  const byId = (name) => document.getElementById(`explore-${name}`);
  const choice = byId("choice").elements, gate = byId("gate").elements, filter = byId("filter").elements;
  let index, set, family, data, shown;

  // -- data ---------------------------------------------------------------------------------------------------------

  function load(name) {
    if (!explore.known.has(name)) {
      explore.known.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        explore.waiting.set(name, resolve);
        script.onerror = () => reject(new Error(`${name} could not be loaded`));
        script.src = new URL(`${name}.js`, DATA);
        document.head.append(script);
      }));
    }
    return explore.known.get(name);
  }

  // -- elements -----------------------------------------------------------------------------------------------------

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function options(select, pairs, wanted) {
    select.replaceChildren(...pairs.map(([value, text]) => element("option", { value, textContent: text })));
    if (pairs.some(([value]) => value === wanted)) select.value = wanted;
  }

  function terms(pairs) {
    return pairs.flatMap(([term, value]) => [
      element("dt", { textContent: term }),
      value instanceof Node ? element("dd", {}, value) : element("dd", { textContent: value }),
    ]);
  }

  function folded(title, pairs, opened = false) {
    const list = element("dl", { className: "explore-list" }, ...terms(pairs));
    return element("details", { open: opened }, element("summary", { textContent: title }), list);
  }

  const code = (text) => element("pre", { textContent: text.trim() });
  const marked = (html) => element("pre", { innerHTML: html.trim() });
  const percent = (share) => `${(100 * share).toFixed(1)}%`;

  // -- the choice ---------------------------------------------------------------------------------------------------

  async function chooseSet() {
    set = index.sets.find((one) => one.name === choice.set.value);
    const wanted = choice.family.value || "tt-si";
    options(choice.family, set.families.map((one) => [one.name, one.label]), wanted);
    await chooseFamily();
  }

  async function chooseFamily() {
    const name = choice.family.value, of = set;
    document.documentElement.dataset.explore = "loading";
    const loaded = await load(`rows-${of.name}--${name}`);
    if (of !== set || name !== choice.family.value) return;
    family = set.families.find((one) => one.name === name);
    data = loaded;
    showPaper();
    byId("settings").replaceChildren(...terms([...data.settings, ["seconds", data.seconds]]));
    const estimators = Object.keys(data.gates);
    options(gate.estimator, estimators.map((one) => [one, one]), gate.estimator.value);
    byId("gate").hidden = byId("curve").hidden = filter.gate.parentElement.hidden = !family.gated;
    if (!family.gated) filter.gate.value = "";
    showGate();
    document.documentElement.dataset.explore = "ready";
  }

  function showPaper() {
    const differs = data.differs, table = byId("differs");
    byId("paper").textContent = !family.gated ? "This method does not practise, and has no gate."
      : differs.length ? "This is our setting, not the paper's:" : "This is the paper's setting, as far as it is known.";
    table.hidden = !differs.length;
    table.tBodies[0].replaceChildren(...differs.map(([name, ...values]) => element("tr", {},
      element("th", { scope: "row", textContent: name }), ...values.map((one) => element("td", { textContent: one })))));
  }

  // -- the gate -----------------------------------------------------------------------------------------------------

  function point() {
    if (!family.gated) return data.all;
    const columns = Object.entries(data.gates[gate.estimator.value]);
    const at = index.taus.indexOf(Number(gate.tau.value));
    return Object.fromEntries(columns.map(([name, column]) => [name, column[at]]));
  }

  function showGate() {
    const now = point(), n = data.rows.length;
    const numbers = [
      ...(family.gated ? [["below tau", `${now.below} of ${n} (${percent(now.below / n)})`]] : []),
      ["adapted", `${now.adapted} of ${n}`],
      ["accuracy", percent(now.accuracy)],
      ["95% interval", `${percent(now.low)} to ${percent(now.high)}`],
      ["fixed", String(now.fixed)],
      ["broken", String(now.broken)],
      ["mean seconds", now.seconds.toFixed(2)],
    ];
    byId("numbers").replaceChildren(...terms(numbers));
    byId("shown").textContent = Number(gate.tau.value).toFixed(2);
    clearTimeout(showGate.later);
    const said = numbers.map((pair) => pair.join(": ")).join("; ");
    showGate.later = setTimeout(() => { byId("said").textContent = said; }, 400);
    if (family.gated) drawCurve(now);
    showSamples();
  }

  function drawCurve(now) {
    const curve = data.gates[gate.estimator.value], last = data.all;
    const low = Math.floor(20 * Math.min(...curve.low, last.low)) / 20;
    const high = Math.ceil(20 * Math.max(...curve.high, last.high)) / 20;
    const most = Math.max(...curve.seconds, last.seconds) * 1.04;
    const x = (seconds) => 62 + 404 * seconds / most, y = (share) => 286 - 250 * (share - low) / (high - low);
    const path = (column) => curve.seconds.map((s, i) => `${x(s).toFixed(1)},${y(column[i]).toFixed(1)}`);
    const draw = (tag, attributes, text = "") => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
      Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
      made.textContent = text;
      return made;
    };
    const label = (text, at, to, anchor) => draw("text", { x: at, y: to, "text-anchor": anchor }, text);
    const step = [0.01, 0.02, 0.05, 0.1, 0.2].find((one) => (high - low) / one <= 6);
    const pace = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((one) => most / one <= 6) || 50;
    const ticks = (from, to, by) => [...Array(Math.floor((to - from) / by + 1.001)).keys()].map((i) => from + i * by);
    byId("curve").replaceChildren(
      ...ticks(low, high, step).flatMap((share) => [
        draw("line", { class: "grid", x1: 62, x2: 466, y1: y(share), y2: y(share) }),
        label(`${Math.round(100 * share)}%`, 56, y(share) + 6, "end"),
      ]),
      ...ticks(0, most, pace).map((s) => label(String(Number(s.toFixed(2))), x(s), 308, "middle")),
      label("mean seconds of a sample", 264, 334, "middle"),
      label("accuracy", 4, 16, "start"),
      draw("polygon", { class: "band", points: [...path(curve.low), ...path(curve.high).reverse()].join(" ") }),
      draw("line", {
        class: "chord", x1: x(curve.seconds[0]), y1: y(curve.accuracy[0]), x2: x(last.seconds), y2: y(last.accuracy),
      }),
      draw("polyline", { class: "line", points: path(curve.accuracy).join(" ") }),
      draw("line", { class: "reach", x1: x(now.seconds), x2: x(now.seconds), y1: y(now.low), y2: y(now.high) }),
      draw("circle", { class: "now", cx: x(now.seconds), cy: y(now.accuracy), r: 7 }),
    );
  }

  // -- the samples --------------------------------------------------------------------------------------------------

  const outcome = (row) => OUTCOMES[row.right[0]][row.right[1]];
  const margin = (row) => row.margins[family.gated ? data.estimators.indexOf(gate.estimator.value) : 0];
  const isBelow = (row) => margin(row) < Number(gate.tau.value);

  function chosenRows() {
    const text = filter.text.value.trim().toLowerCase();
    const holds = (row) => [row.id, row.request, row.before, row.gold, ...(row.marked || [])].join("\n").toLowerCase();
    const rows = data.rows.filter((row) => (!filter.outcome.value || outcome(row) === filter.outcome.value)
      && (!filter.gate.value || isBelow(row) === (filter.gate.value === "below"))
      && (!text || holds(row).includes(text)));
    const sign = { up: 1, down: -1 }[filter.order.value];
    return sign ? rows.sort((a, b) => sign * (margin(a) - margin(b))) : rows;
  }

  function showSamples(from = 0) {
    if (!from) shown = chosenRows();
    const items = shown.slice(from, from + AT_ONCE).map(item);
    if (from) byId("samples").append(...items);
    else byId("samples").replaceChildren(...items);
    if (from) items[0].querySelector("summary").focus();
    const visible = byId("samples").children.length;
    byId("count").textContent = `${shown.length} of ${data.rows.length} samples`;
    byId("more").hidden = visible >= shown.length;
  }

  function item(row) {
    const summary = element("summary", {},
      element("span", { className: `explore-outcome ${outcome(row)}`, textContent: outcome(row) }),
      element("span", { className: "explore-margin", textContent: margin(row).toFixed(2), title: "margin" }),
      element("span", { className: "explore-request", textContent: row.request || row.id }));
    const details = element("details", {}, summary);
    details.addEventListener("toggle", async () => {
      if (details.open && !details.querySelector("dl")) details.append(await card(row));
    });
    return element("li", {}, details);
  }

  async function card(row) {
    const part = set.parts[row.split];
    const { examples, losses } = (await load(`practice-${part}--${family.name}`))[row.id] || { examples: [], losses: [] };
    const tools = set.tools ? (await load(`tools-${part}`))[row.id] : [];
    const absent = set.withheld ? "not shown: the benchmark's licence does not allow it" : "not stored with these rows";
    const [removed, added] = row.marked || [];
    const pairs = [
      ["sample", row.id],
      ["request", row.request || absent],
      ["before", set.withheld ? absent : row.marked ? marked(removed) : code(row.before || "(empty)")],
      ["after", set.withheld ? absent : row.marked ? marked(added) : "the same"],
      ["right", row.gold ? code(row.gold) : absent],
      ["outcome", outcome(row) + (row.errors ? `; errors: ${row.errors.map((one) => one || "none").join(", then ")}` : "")],
    ];
    if (family.gated) pairs.push([`at tau ${byId("shown").textContent}`, decision(row)]);
    if (row.note) pairs.push(["note", row.note]);
    const list = element("dl", { className: "explore-list" }, ...terms(pairs));
    const parts = [folded("margins", data.estimators.map((name, i) => [name, row.margins[i].toFixed(4)]))];
    const text = (one) => (one ? code(one) : absent);
    const trained = losses.length ? [["training loss", `${losses.join(", ")} (nats a token, step by step)`]] : [];
    const written = examples.map(([one, verdict]) => [verdict, text(one)]);
    if (written.length) parts.unshift(folded("practice", [...written, ...trained], true));
    if (tools.length) parts.push(folded("tools on offer", tools.map((tool) => [tool[0], code(tool.slice(1).join("\n"))])));
    return element("div", {}, list, ...parts);
  }

  function decision(row) {
    const side = isBelow(row) ? "below tau" : "not below tau";
    if (!isBelow(row)) return `${side}: left alone, the answer before counts`;
    return row.adapted ? `${side}: adapted, the answer after counts` : `${side}: no valid practice, base answer kept`;
  }

  // -- beginning ----------------------------------------------------------------------------------------------------

  async function begin() {
    document.querySelectorAll(".explore-controls").forEach((form) => form.addEventListener("submit", (event) => event.preventDefault()));
    index = await load("index");
    options(choice.set, index.sets.map((one) => [one.name, one.title]));
    gate.tau.value = 0.95;
    choice.set.addEventListener("change", chooseSet);
    choice.family.addEventListener("change", chooseFamily);
    byId("gate").addEventListener("input", showGate);
    byId("filter").addEventListener("input", () => showSamples());
    byId("more").addEventListener("click", () => showSamples(byId("samples").children.length));
    await chooseSet();
  }

  begin().catch((error) => { byId("count").textContent = String(error); });
})();
