"use strict";
// Draws the page from the data in it. Whatever comes from a server or a document becomes text, never HTML: elements are
// made by `h`, which knows text and attributes only. What is shown is a function of the address's fragment.

const data = JSON.parse(document.getElementById("data").textContent);
/** Of very many operations the tags by which they are grouped, folded where all is well; of few none. */
const TAGS = data.tags;
const VIEWS = { ...(TAGS.length ? { tags: "By tag" } : {}), versions: "Versions", personas: "Personas", deviations: "Deviations", ...(data.contradictions.length ? { principles: "Principles" } : {}), trust: "Trust" };
const FIRST = Object.keys(VIEWS)[0];
/** So few operations are shown one by one. */
const FEW = 20;
const ABOUT = { self: "their own", other: "somebody else's", any: "anybody's" };
const WORST = Object.keys(data.states);
const $ = (id) => document.getElementById(id);

/** Make an element: properties that begin with `on` listen, `style` sets CSS variables, all others are attributes. */
function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [k, v] of Object.entries(value)) element.style.setProperty(k, v);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

const range = (from, to) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
const worst = (letters) => WORST.find((state) => letters.includes(state)) || "u";
const many = (n, one, more = one + "s") => `${n} ${n === 1 ? one : more}`;
const by = (rows, key) => rows.reduce((map, row) => map.set(row[key], [...(map.get(row[key]) || []), row]), new Map());
/** What letters stand for: the states of promises, and what findings of principles are held to be, of which some are called alike. */
const LETTERS = { ...data.standings, ...data.states };
const word = (state) => LETTERS[state].word;
const mark = (state) => h("span", { class: `m ${state}`, "aria-hidden": "true" }, LETTERS[state].mark);
/** The states that a view can be narrowed to. */
const statesIn = (view) => (view === "principles" ? data.standings : data.states);

const operations = new Map(data.operations.map((one) => [one.id, one]));
const clauses = new Map(data.clauses.map((one) => [one.id, one]));
const clausesOf = by(data.clauses, "operation");
const findingsOf = by(data.findings, "clause");
const number = new Map(data.targets.map((one, t) => [one.name, t]));
const LAST = data.targets.length - 1;
/**
 * Which target of some neighbours is told of where none is chosen: the reader's own server rather than a recording, and of several
 * the newest release, since that is what people run. Notebooks choose alike (`tables.newest`).
 */
function usual(from, to) {
  const some = range(from, to + 1).reverse();
  const among = data.kinds.map((kind) => some.filter((t) => data.targets[t].kind === kind)).find((of) => of.length);
  return among.find((t) => data.targets[t].is_release) ?? among[0];
}
const NEWEST = usual(0, LAST);

const tagId = (tag) => `tag.${TAGS.indexOf(tag)}`;
const tagOf = new Map(TAGS.map((tag) => [tagId(tag), tag]));

/** Why a clause was skipped: one promise can be for several reasons, and is counted with each, as a run counts them. */
const skippedFor = (clause, t) => [...new Set((findingsOf.get(clause.id) || []).filter((f) => f.at[t] && f.at[t].state === "s").map((f) => f.signature))];
const whySkipped = (reason) => `${reason}: ${data.reasons[reason] || reason}`;

/** What a clause is called where its operation is known. */
const short = (clause) => clause.id.slice(clause.operation.length + 1).replace("effect.", "effect: ");

/** Name each cell of a table by its column's head: where a screen is narrow the rows are lists, and have none. */
function withHeads(table, heads) {
  for (const row of table.querySelectorAll("tbody tr, tfoot tr")) [...row.children].forEach((cell, i) => i && heads[i] && cell.setAttribute("data-head", heads[i]));
  return table;
}

/** Text with what stands between backticks as code, and the rest as `say` has it. */
const prose = (text, say = (part) => part) => text.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : say(part)));
/** The same, in which the names of operations and promises open these. */
const linked = (text, t) => prose(text, (part) => part.split(/([\w.-]+)/).map((name) => (clauses.has(name) || operations.has(name) ? chip(name, t) : name)));

// -- the address says what is shown ---------------------------------------------------------------------------------

/** The choices that the fragment holds, as in `#versions?rule=auth&open=CreateJob.status@5.36.1`. */
function read() {
  const [view, query] = decodeURI(location.hash.slice(1)).split(/\?(.*)/s);
  const given = new URLSearchParams(query || "");
  const version = (key, otherwise) => (number.has(given.get(key)) ? number.get(given.get(key)) : otherwise);
  const from = version("from", 0);
  const to = Math.max(from, version("to", LAST));
  const shown = view in VIEWS ? view : FIRST;
  return {
    view: shown,
    q: given.get("q") || "",
    operation: operations.has(given.get("operation")) ? given.get("operation") : "",
    rule: data.rules.includes(given.get("rule")) ? given.get("rule") : "",
    persona: given.get("persona") in data.personas ? given.get("persona") : "",
    state: given.get("state") in statesIn(shown) ? given.get("state") : "",
    fresh: given.has("new"),
    from, to,
    at: version("at", usual(from, to)),
    unfolded: new Set((given.get("unfolded") || "").split(",").filter((id) => operations.has(id) || tagOf.has(id))),
    open: given.get("open") || "",
  };
}

/** The fragment for some choices; what is as it would be anyway is left out. */
function address(choice) {
  const given = new URLSearchParams();
  for (const key of ["q", "operation", "rule", "persona", "state"]) if (choice[key]) given.set(key, choice[key]);
  if (choice.fresh) given.set("new", "");
  if (choice.from > 0) given.set("from", data.targets[choice.from].name);
  if (choice.to < LAST) given.set("to", data.targets[choice.to].name);
  if (choice.at !== usual(choice.from, choice.to)) given.set("at", data.targets[choice.at].name);
  if (choice.unfolded.size) given.set("unfolded", [...choice.unfolded].join(","));
  if (choice.open) given.set("open", choice.open);
  const query = given.toString().replace(/=(?=&|$)/g, "").replace(/%40/g, "@").replace(/%2C/g, ",").replace(/%3A/g, ":");
  return `#${choice.view}${query ? `?${query}` : ""}`;
}

let now;
let opener = null; // what had the focus when the panel was opened

/** Show other choices. Typing and folding replace the entry in the browser's history, all else adds one. */
function go(changes, { replace = false } = {}) {
  const next = { ...now, ...changes };
  const isUsual = changes.at === undefined && now.at === usual(now.from, now.to);
  if (isUsual || next.at < next.from || next.at > next.to) next.at = usual(next.from, next.to);
  history[replace ? "replaceState" : "pushState"](null, "", address(next));
  draw();
}

// -- filters --------------------------------------------------------------------------------------------------------

const found = new Map(); // made when somebody searches
const textOf = (id) => {
  const clause = clauses.get(id);
  if (!found.has(id)) found.set(id, [
    id, clause.text, clause.place, operations.get(clause.operation).path,
    ...(findingsOf.get(id) || []).flatMap((f) => [f.signature, f.persona, ...f.at.map((here) => (here ? here.seen : ""))]),
  ].join("\n").toLowerCase());
  return found.get(id);
};

/** Whom some record here has: the others are callers of other documents, and of other versions. */
const met = new Set([...data.clauses.flatMap((clause) => Object.keys(clause.by)), ...data.access.map((one) => one.persona), ...data.contradictions.flatMap((one) => one.at.flatMap((here) => (here ? here.personas : [])))]);
const statesOf = (clause) => (now.persona ? clause.by[now.persona] || "u".repeat(data.targets.length) : clause.at);
const isChosen = (clause) =>
  (!now.operation || clause.operation === now.operation) &&
  (!now.rule || clause.rule === now.rule) &&
  (!now.q || now.q.toLowerCase().split(/\s+/).every((word) => textOf(clause.id).includes(word)));
const isShown = (clause) => {
  const seen = statesOf(clause).slice(now.from, now.to + 1);
  return isChosen(clause) && (!now.state || seen.includes(now.state)) && (!now.fresh || /[ne]/.test(seen)) && (!now.persona || /[^us]/.test(seen));
};

function drawFilters() {
  const field = (kind, label, control) => h("div", { class: `field ${kind}` }, h("label", { for: control.id }, label), control);
  const select = (key, label, options, change = (value) => ({ [key]: value }), value = now[key]) => {
    const [, chosen] = options.find(([id]) => String(id) === String(value)) || ["", ""];
    // What is chosen may be longer than the room of a closed picker: it gets more where there is some, and what is longer than any
    // is shortened in its middle, unless two would be called alike; the title has all of it.
    const brief = options.map(([, text]) => (text.length > 38 ? `${text.slice(0, 21)}…${text.slice(-16)}` : text));
    const says = (text, i) => (brief.indexOf(brief[i]) === brief.lastIndexOf(brief[i]) ? brief[i] : text);
    const size = chosen.length > 24 ? " long" : chosen.length > 12 ? " longer" : "";
    return field(key + size, label, h("select", { id: `by-${key}`, title: chosen, onchange: (e) => go(change(e.target.value)) },
      options.map(([id, text], i) => h("option", { value: id, title: brief[i] !== text && text, selected: String(id) === String(value) }, says(text, i)))));
  };
  const names = data.targets.map((one, t) => [t, one.called]);
  const all = (label, values) => [["", label], ...values.map((value) => [value, value])];
  const isOfOne = ["tags", "trust"].includes(now.view) || (now.view === "personas" && !now.operation);
  const isAboutPeople = now.view === "personas";
  const focus = document.activeElement && document.activeElement.id;
  $("filters").replaceChildren(...[
    field("q", "Search", h("input", { type: "search", id: "by-q", placeholder: "word, error id", value: now.q,
      oninput: (e) => go({ q: e.target.value }, { replace: true }) })),
    select("operation", "Operation", all("all", [...operations.keys()])),
    isOfOne || isAboutPeople || now.view === "principles" ? "" : select("rule", "Rule", all("all", data.rules)),
    now.view === "trust" || now.view === "tags" ? "" : select("persona", "Who", all("everybody", Object.keys(data.personas).filter((name) => met.has(name) || name === now.persona))),
    isOfOne || isAboutPeople ? "" : select("state", "State", [["", "any"], ...Object.entries(statesIn(now.view)).map(([s, one]) => [s, `${one.mark} ${one.word}`])]),
    isOfOne
      ? select("at", "Version", names.slice(now.from, now.to + 1), (value) => ({ at: Number(value) }))
      : [select("from", "From version", names, (value) => ({ from: Number(value), to: Math.max(now.to, Number(value)) })),
         select("to", "To version", names, (value) => ({ to: Number(value), from: Math.min(now.from, Number(value)) }))],
    isOfOne || isAboutPeople ? "" : h("label", { class: "check" }, h("input", { type: "checkbox", id: "by-fresh", checked: now.fresh, onchange: (e) => go({ fresh: e.target.checked }) }), " only new"),
    address({ ...now, view: "", open: "", unfolded: new Set() }) === "#" ? "" : h("button", { type: "button", class: "plain", id: "clear", onclick: () =>
      go({ q: "", operation: "", rule: "", persona: "", state: "", fresh: false, from: 0, to: LAST, at: NEWEST }) }, "Clear"),
  ].flat().filter((one) => one));
  const input = focus && focus.startsWith("by-") && $(focus);
  if (input) {
    input.focus();
    if (input.type === "search") input.setSelectionRange(input.value.length, input.value.length);
  }
}

// -- the first view of very many operations: by tag -------------------------------------------------------------------

/** How far the requests to some operations got, and what became of their promises. */
function tally(some, t) {
  const coverage = some.map((one) => data.targets[t].coverage[one.id] || [false, 0, 0, 0, false, ""]);
  const states = some.flatMap((one) => (clausesOf.get(one.id) || []).map((clause) => clause.at[t]));
  const count = (letters) => states.filter((state) => letters.includes(state)).length;
  return { operations: some.length, asked: coverage.filter((c) => c[1]).length, served: coverage.filter((c) => c[3]).length,
    decisive: coverage.filter((c) => c[4]).length, gated: coverage.filter((c) => c[5]).length,
    kept: count("cp"), known: count("k"), new: count("n"), error: count("e"), unjudged: count("su") };
}

const COLUMNS = [["operations", "operations"], ["new", "new"], ["error", "in error"], ["asked", "asked"], ["served", "served"], ["decisive", "decisive"], ["gated", "not offered"],
  ["known", "known"], ["kept", "kept"], ["unjudged", "not judged"]];

/** What the server does not offer, in the words of its own errors. */
function gates(some, t) {
  const found = new Map();
  for (const one of some) {
    const gate = (data.targets[t].coverage[one.id] || [])[5];
    if (gate) found.set(gate, [...(found.get(gate) || []), one.id]);
  }
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([gate, ids]) => h("div", {}, h("span", { class: "mono" }, gate), h("div", { class: "chips small" }, ids.map((id) => chip(id, t)))));
}

function tags() {
  const t = now.at;
  const one = data.targets[t];
  const shown = data.operations.filter((operation) => (clausesOf.get(operation.id) || []).some(isChosen));
  const isAsked = ([, some]) => some.some((operation) => (one.coverage[operation.id] || [])[1]);
  const rows = TAGS.map((tag) => [tag, shown.filter((operation) => operation.tag === tag)]).filter(([, some]) => some.length)
    .sort((some, other) => isAsked(other) - isAsked(some)); // what nobody asked about is last
  const columns = COLUMNS.filter(([key]) => key !== "error" || one.error);
  const cells = (some, bad) => {
    const counts = tally(some, t);
    return columns.map(([key]) => h("td", { class: `n${bad && counts[key] && ["new", "error"].includes(key) ? " bad" : ""}${counts[key] ? "" : " soft"}` }, String(counts[key])));
  };
  const offered = gates(shown, t);
  return [
    h("p", { class: "lead" }, `Mattermost ${one.called}, by the first tag of each operation. Of the operations: asked, a request was sent; served, somebody got a 2xx; decisive, somebody who may was let in and somebody who may not was refused the same; not offered, by the server's own error. Of their promises: new, known, kept, not judged.`),
    rows.length ? h("div", { class: "scroll" }, withHeads(h("table", { class: "data tags" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "tag"), columns.map(([, text]) => h("th", { scope: "col", class: "n" }, text)))),
      h("tbody", {}, rows.map(([tag, some]) => h("tr", {}, h("th", { scope: "row" }, button(tag, () => open(`${tagId(tag)}@${one.name}`), "link")), cells(some, true)))),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "all"), cells(shown, true)))), ["", ...columns.map(([, text]) => text)])) : nothing(),
    offered.length > 0 && h("section", { class: "part" }, h("h2", {}, "Not offered here, by the server's own error"), h("div", { class: "gates" }, offered)),
    h("section", { class: "part" }, h("h2", {}, "Not verified, and why"), gapList(t)),
  ];
}

function tagPanel(tag, t) {
  const one = data.targets[t];
  const inside = data.operations.filter((operation) => operation.tag === tag);
  const state = (operation) => worst((clausesOf.get(operation.id) || []).map((clause) => clause.at[t]).join(""));
  const counts = tally(inside, t);
  const offered = gates(inside, t);
  const reasons = new Map();
  for (const clause of inside.flatMap((operation) => clausesOf.get(operation.id) || [])) {
    if (!"su".includes(clause.at[t])) continue;
    for (const reason of clause.at[t] === "s" ? skippedFor(clause, t).map(whySkipped) : [data.states.u.means]) reasons.set(reason, (reasons.get(reason) || 0) + 1);
  }
  return [
    head(tag, worst(inside.map(state).join("")), `Mattermost ${one.called}: ${COLUMNS.filter(([key]) => counts[key]).map(([key, text]) => `${counts[key]} ${text}`).join(", ")}`),
    part("Operations", h("ul", { class: "list" }, [...inside].sort((a, b) => WORST.indexOf(state(a)) - WORST.indexOf(state(b))).map((operation) => h("li", {}, mark(state(operation)), chip(operation.id, t))))),
    offered.length > 0 && part("Not offered here", offered),
    reasons.size > 0 && part("Not judged, and why", h("ul", { class: "list small" }, [...reasons].map(([reason, n]) => h("li", {}, `${many(n, "promise")}: ${reason}`)))),
    part("In the matrix", button("Show the operations", () => go({ view: "versions", open: "", unfolded: new Set([...now.unfolded, tagId(tag)]) }))),
  ];
}

// -- view 1: operations and versions --------------------------------------------------------------------------------

/** Join neighbouring targets for which `key` is the same. */
function spans(key) {
  const found = [];
  for (const t of range(now.from, now.to + 1)) {
    const last = found.at(-1);
    if (last && key(last.from) === key(t)) last.to = t;
    else found.push({ from: t, to: t });
  }
  return found;
}

const named = ({ from, to }) => (from === to ? data.targets[from].name : `${data.targets[from].name} to ${data.targets[to].name}`);
const column = ({ from, to }) => ({ "grid-column": `${from - now.from + 1} / span ${to - from + 1}` });

/** A cell with how many promises are in which state, filled as high as each state's share. */
function cell(span, states, what, target) {
  const counts = WORST.map((s) => [s, [...states].filter((one) => one === s).length]).filter(([, n]) => n);
  const size = states.length;
  let from = 0;
  const fills = counts.filter(([s]) => !"su".includes(s)).map(([s, n]) => {
    const fill = h("span", { class: `fill ${s}`, style: { "--height": `${(100 * n) / size}%`, "--from": `${from}%` } });
    from += (100 * n) / size;
    return fill;
  });
  const says = counts.map(([s, n]) => (size === 1 ? data.states[s].means : `${n} ${word(s)}`)).join(", ");
  const label = `${what}, ${named(span)}: ${says}`;
  return h("button", { type: "button", role: "gridcell", class: `cell ${counts.every(([s]) => "su".includes(s)) ? "s" : counts[0][0]}`,
    "aria-colindex": span.from - now.from + 2, "aria-colspan": span.to - span.from + 1, "aria-label": label, title: label, style: column(span),
    "aria-current": now.open === target(span.to) && "true", "data-from": span.from, "data-to": span.to, onclick: () => open(target(span.to)) },
    fills,
    h("span", { class: `parts${counts.length > 2 ? " several" : ""}${counts.some(([s]) => s === "c") ? " lengthy" : ""}` }, counts.map(([s, n], i) =>
      h("span", { class: i ? "more" : "" }, mark(s), size > 1 && h("span", { class: "count" }, String(n)), size > 1 && h("span", { class: "wide" }, ` ${word(s)}`)))));
}

/** The thin lines where the documentation says that an operation begins, and where it ends; none for before the first column. */
function ticks(operation) {
  return [["since", operation.since_at], ["removed", operation.removed_at]].map(([what, t]) => {
    if (t === null || t <= now.from || t > now.to + 1) return "";
    const end = t > now.to;
    return h("span", { class: `tick ${what}${end ? " end" : ""}`, "aria-hidden": "true", style: { "grid-column": String((end ? now.to : t) - now.from + 1) } });
  });
}

const row = (kind, side, cells, label) =>
  h("div", { class: `row ${kind}`, role: "row", "aria-label": label, "data-line": true }, h("div", { class: "side", role: "rowheader" }, side), h("div", { class: "track", role: "presentation" }, cells));

/** What stands above the column of a target, and opens what its run says. */
function columnHead(t) {
  const one = data.targets[t];
  return h("button", { type: "button", title: `Mattermost ${one.called}: ${sentence(one)}`, "data-from": t, "data-to": t, onclick: () => open(`@${one.name}`) },
    one.short, one.below && [" ", h("span", { class: "below" }, one.below)]);
}

/** What tells a table how its columns' heads fit: many are written downwards, and so is what has an address in it. */
const crowd = (count) => `${count > 8 ? " crowded" : ""}${data.targets.slice(now.from, now.to + 1).some((one) => one.below) ? " long" : ""}`;

function versions() {
  const shown = data.operations.map((one) => [one, (clausesOf.get(one.id) || []).filter(isShown)]).filter(([, some]) => some.length);
  const count = now.to - now.from + 1;
  const heads = range(now.from, now.to + 1).map((t) => {
    const one = data.targets[t];
    const major = t > now.from && one.short.split(".")[0] !== data.targets[t - 1].short.split(".")[0];
    return h("div", { role: "columnheader", class: `version${major ? " major" : ""}`, style: column({ from: t, to: t }) }, columnHead(t));
  });
  // Equal neighbours are one cell, of which all is told that is true of all of them.
  const sums = (label, key, say, wide, bad, verb = "") => row("sum", h("span", { class: "name" }, label), spans((t) => JSON.stringify(key(data.targets[t]))).map((span) => {
    const one = data.targets[span.to];
    const isOfAll = range(span.from, span.to).every((t) => sentence(data.targets[t]) === sentence(one));
    const told = `${named(span)}: ${isOfAll ? sentence(one) : `${verb}${say(one)}${wide(one)}`}`;
    return h("button", { type: "button", role: "gridcell", class: `cell ${bad && key(one)[0] ? "bad" : ""}`, style: column(span), "data-from": span.from, "data-to": span.to,
      "aria-label": told, title: told, onclick: () => open(`@${one.name}`) },
      h("span", { class: "parts" }, h("span", {}, say(one), h("span", { class: "wide" }, wide(one)))));
  }));
  const changesRow = () => row("sum", h("span", { class: "name", title: `${CHANGED} ${WORST_ONLY}` }, "changed answers", h("span", { class: "on-narrow" }, ":", Object.entries(EFFECT).map(([effect, [, means]]) => [" ", arrow(effect), ` ${means}`]), data.targets.some((one) => losses(one).length) && [", and below it ", arrow("worse"), " worse that our lists alone know"])), range(now.from, now.to + 1).map((t) => {
    const one = data.targets[t];
    const isHere = isBeside(one);
    const some = isHere ? effects(one.changes) : [];
    const alone = isHere ? losses(one) : [];
    const apart = isHere && one.apart;
    const counts = some.map(([effect, list]) => `${list.length} ${EFFECT[effect][1]}`).join(", ");
    const told = isHere ? `${counts || "no changed answers"}${apart ? apart.where : ""}` : one.against ? `compared with ${plainName(one.against)}, which is not on this page` : t ? NOT_COMPARED : "the first on this page";
    const label = [`${one.name}: ${told}${alone.length ? `; and ${one.lists.worse}` : ""}`, ...(apart ? apart.why : [])].join(". ");
    return h("button", { type: "button", role: "gridcell", class: `cell ${isHere ? "" : "nothing"}${isHere && one.changed ? " bad" : ""}`, style: column({ from: t, to: t }), "data-from": t, "data-to": t,
      "aria-label": label, title: label, onclick: () => open(`@${one.name}`) },
      h("span", { class: "parts" }, some.length ? some.slice(0, 1).map(([effect, list]) => h("span", {}, arrow(effect), h("span", { class: "count" }, String(list.length)))) : isHere ? ["0", apart && apart.where && h("span", { class: "in" }, `in ${apart.compared}`, h("span", { class: "more" }, ` of ${operations.size}`))] : "",
        alone.length > 0 && h("span", { class: "alone" }, h("span", { class: "and" }, "& "), arrow("worse"), h("span", { class: "count" }, String(alone.length)))));
  }));
  const rows = [row("top", h("span", { class: "soft small" }, "operation"), heads, "versions")];
  if (!now.q && !now.rule && !now.operation && !now.persona && !now.state && !now.fresh) rows.push(
    sums("verified promises", (one) => [one.verified, one.clauses], (one) => `${one.verified}`, (one) => ` of ${one.clauses} promises`, false, "verified "),
    sums([mark("n"), " new"], (one) => [one.new, one.error], (one) => `${one.new}`, () => " new", true),
    sums([mark("k"), " known"], (one) => [one.known], (one) => `${one.known}`, () => " known"),
    data.targets.some((one) => one.unmet) ? sums([mark("c"), ` ${word("c")}`], (one) => [one.unmet], (one) => `${one.unmet}`, () => ` ${word("c")}`) : "",
    data.targets.some(isBeside) ? changesRow() : "");
  const fold = (id, what, unfolded) => h("button", { type: "button", class: "opener", id: `fold-${id}`, "aria-expanded": String(unfolded), "aria-label": what, onclick: () => {
    const next = new Set(now.unfolded);
    if (!next.delete(id)) next.add(id);
    go({ unfolded: next }, { replace: true });
    $(`fold-${id}`).focus();
  } }, unfolded ? "▾" : "▸");
  const lines = (operation, some, kind = "operation") => {
    const unfolded = now.unfolded.has(operation.id);
    const side = [fold(operation.id, `the promises of ${operation.id}`, unfolded),
      h("span", { class: "name", title: `${operation.id}: ${operation.method} ${data.base}${operation.path}` }, operation.id)];
    const key = (t) => some.map((clause) => statesOf(clause)[t]).join("");
    rows.push(row(kind, side, [spans(key).map((span) => cell(span, key(span.to), operation.id, (t) => `${operation.id}@${data.targets[t].name}`)), ticks(operation)],
      operation.since ? `${operation.id}, documented since ${operation.since}` : operation.id));
    if (unfolded) for (const clause of some) rows.push(row("child", h("span", { class: "name", title: clause.text }, short(clause)),
      [spans((t) => statesOf(clause)[t]).map((span) => cell(span, statesOf(clause)[span.to], clause.id, (t) => `${clause.id}@${data.targets[t].name}`)), ticks(operation)]));
  };
  if (!TAGS.length) for (const [operation, some] of shown) lines(operation, some);
  for (const tag of TAGS) {
    const inside = shown.filter(([operation]) => operation.tag === tag);
    if (!inside.length) continue;
    const unfolded = now.unfolded.has(tagId(tag));
    const key = (t) => inside.flatMap(([, some]) => some.map((clause) => statesOf(clause)[t])).join("");
    const side = [fold(tagId(tag), `the operations of ${tag}`, unfolded), h("span", { class: "name", title: tag }, tag), h("span", { class: "soft small" }, String(inside.length))];
    rows.push(row("operation tag", side, spans(key).map((span) => cell(span, key(span.to), tag, (t) => `${tagId(tag)}@${data.targets[t].name}`)), `${tag}, ${many(inside.length, "operation")}`));
    const isBad = (some) => some.some((clause) => /[ne]/.test(statesOf(clause).slice(now.from, now.to + 1)));
    for (const [operation, some] of inside) if (unfolded || shown.length <= FEW || isBad(some)) lines(operation, some, "operation inside");
  }
  if (!shown.length) return [nothing()];
  const grid = h("div", { class: `grid${crowd(count)}`, role: "grid", "aria-label": "Operations and versions", "aria-colcount": count + 1, style: { "--columns": String(count) }, onkeydown: walk }, rows);
  oneStop(grid, "button.cell");
  return [
    h("div", { class: "legend" }, legend(), h("span", {}, h("span", { class: "sample" }), "documented since"), h("span", {}, h("span", { class: "sample removed" }), "removed")),
    h("div", { class: "scroll" }, grid),
    h("p", { class: "note soft small" }, "Neighbouring versions in which every promise of the row stands the same are one cell, filled as high as the share of its promises. ▸ shows the promises one by one; a cell opens what was promised, who saw what, and how to repeat it."),
  ];
}

const legend = () => WORST.filter((s) => "nkps".includes(s) || data.clauses.some((c) => c.at.includes(s))).map((s) => h("span", {}, mark(s), ` ${data.states[s].means}`));
const nothing = () => h("p", { class: "none" }, now.fresh
  ? "Nothing new: whatever is broken in these versions is known and explained."
  : "Nothing here with these filters.");

/** Make a grid one stop of the Tab key: the opened cell, or the first. */
function oneStop(grid, wanted) {
  for (const one of grid.querySelectorAll("button")) one.tabIndex = -1;
  const first = grid.querySelector("[aria-current]") || grid.querySelector(wanted);
  if (first) first.tabIndex = 0;
}

/** Arrow keys, Home and End walk through a grid; up and down keep to the version. */
function walk(event) {
  const cells = (line) => [...line.querySelectorAll("button")];
  const line = event.target.closest("[data-line]");
  const lines = [...event.currentTarget.querySelectorAll("[data-line]")].filter((one) => cells(one).length);
  const at = cells(line).indexOf(event.target);
  const beside = (other) => {
    if (!other) return null;
    const t = event.target.dataset.from;
    return t === undefined ? cells(other)[0] : cells(other).find((one) => Number(one.dataset.from) <= t && t <= Number(one.dataset.to)) || cells(other)[0];
  };
  const next = {
    ArrowRight: () => cells(line)[at + 1], ArrowLeft: () => cells(line)[at - 1], Home: () => cells(line)[0], End: () => cells(line).at(-1),
    ArrowDown: () => beside(lines[lines.indexOf(line) + 1]), ArrowUp: () => beside(lines[lines.indexOf(line) - 1]),
  }[event.key];
  const target = next && next();
  if (!next) return;
  event.preventDefault();
  if (!target) return;
  for (const one of event.currentTarget.querySelectorAll("[tabindex='0']")) one.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
  target.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// -- view 2: operations and people ----------------------------------------------------------------------------------

const accessRows = new Map(data.access.map((one) => [`${one.operation}:${one.persona}:${one.about}`, one]));
/** What somebody's valid requests were answered, in words and as a sign. */
const SAYS = { a: "served", d: "refused", b: "served and refused", o: "neither served nor refused" };
const SIGN = { a: "✓", d: "–", b: "±", o: "~" };
const MAY = { a: "may", d: "may not", "-": "not known" };
/** Whether that is as documented, by the letter of the state in which the promise is for them. */
const AS_DOCUMENTED = { p: "as documented", c: "as documented here, though it is known not to be", k: "not as documented (known)", n: "not as documented (new)" };
/** A session may be demanded all the same: without one nobody may, and with one it is not said. */
const NOBODY_SAYS = "no promise says who may";
const asDocumented = (state) => AS_DOCUMENTED[state] || "not judged whether as documented";

/** What the record holds against who is let in, to be shown: the failed observations of a persona about such a resource. */
function disputes(operation, persona, about, t) {
  return (findingsOf.get(`${operation}.${persona === "anonymous" ? "auth" : "permission"}`) || []).filter((finding) => {
    const here = finding.at[t];
    if (finding.persona !== persona || !here || !"nk".includes(here.state)) return false;
    const whose = here.exchange === undefined ? "unclear" : data.exchanges[here.exchange].about;
    return about === "any" || !["self", "other"].includes(whose) || whose === about;
  });
}

/** Of whom all is told together: whom single tests make, and who asked wherever things lie. */
const answering = new Set(data.access.map((one) => one.persona));
const isJudged = (persona) => data.made.includes(persona) || data.apart.includes(persona);
const ruleOf = (persona) => (persona === "anonymous" ? "auth" : "permission");

/** Why nothing is told of a persona: there is no such caller here, the version has no such operation, or nobody asked. */
function whyUntold(clause, persona, t) {
  const nobody = data.targets[t].absent[persona];
  const skipped = clause && clause.at[t] === "s" ? skippedFor(clause, t) : [];
  return nobody ? `nobody asked as ${spaced(persona)}: ${nobody}` : skipped.length ? skipped.map(whySkipped).join("; ") : "such a caller sent no valid request about something that exists";
}

/**
 * What became of a persona's requests about somebody's: `letter` is of SIGN, or of a state where nothing is told; `state` is that
 * in which the promise is for them, or u where nobody judged that, for some `reasons`; `seen` are their answers, and `against` is what
 * was found in them; `says` is all of it in words: `parts` are what was answered, and whether that is as documented.
 */
function told(operation, persona, about, t) {
  const clause = clauses.get(`${operation.id}.${ruleOf(persona)}`);
  const row = [about, "any"].map((whose) => accessRows.get(`${operation.id}:${persona}:${whose}`)).find((one) => one && one.answered[t] !== "-");
  if (!row) {
    const judged = isJudged(persona) && clause && clause.by[persona] ? clause.by[persona][t] : "u";
    const letter = judged === "e" ? judged : clause && clause.at[t] === "s" ? "s" : "u";
    return { persona, letter, state: "u", against: [], reasons: [], says: `not judged: ${letter === "e" ? data.states.e.means : whyUntold(clause, persona, t)}`, parts: letter === "u" ? ["no valid request"] : [] };
  }
  const letter = row.answered[t];
  const seen = row.answers[t] && row;
  const isUnmet = row.state[t] === "p" && isJudged(persona) && clause && (clause.by[persona] || "")[t] === "c";
  const state = isUnmet ? "c" : row.state[t];
  const wrong = row.wrong[t];
  const parts = [SAYS[letter], (letter === "b" && wrong !== "-" ? `some ${SAYS[wrong]} ` : "") + (state === "u" && !clause ? NOBODY_SAYS : asDocumented(state))];
  const reasons = state === "u" && row.reasons ? row.reasons[t] : [];
  return { persona, letter, state, seen, against: disputes(operation.id, persona, about, t), reasons, says: parts.join(", "), parts };
}

const isTold = (here) => here.letter in SIGN;

/**
 * How that is drawn, in a cell as in the legend: a sign in a square, and beside it the mark of what is not simply as documented.
 * Empty is a cell of whom no valid request is known: the mark of what nobody judged is of answers.
 */
function look({ letter, state }) {
  if (letter === "u") return { class: `access ${letter}`, sign: "" };
  if (!SIGN[letter]) return { class: `access ${letter}`, sign: mark(letter) };
  return { class: `access ${letter} is-${state}`, sign: [h("i", { "aria-hidden": "true" }, SIGN[letter]), state !== "p" && mark(state in AS_DOCUMENTED ? state : "u")] };
}

/** A cell of neighbouring targets of which the same is told; `place` is where the arrow keys find it. */
function access(operation, persona, about, here, span, place, more = "") {
  const target = (t) => `${operation.id}:${persona}:${about}@${data.targets[t].name}`;
  const label = `${operation.id} by ${persona}${about === "any" ? "" : ` about ${ABOUT[about]}`}: ${[here.says, ...new Set(here.against.map((finding) => finding.signature))].join("; ")}${more}`;
  const { class: kind, sign } = look(here);
  const words = here.parts.length > 0 && h("span", { class: `says${here.says.length > 40 ? " lengthy" : ""}`, "aria-hidden": "true" }, here.parts[0], here.parts.length > 1 && h("span", { class: "more" }, `, ${here.parts[1]}`));
  return h("button", { type: "button", class: kind, title: label, "aria-label": label, "data-from": place.from, "data-to": place.to,
    "aria-current": range(span.from, span.to + 1).some((t) => now.open === target(t)) && "true", onclick: () => open(target(span.to)) }, sign, words);
}

/** What the marks of some cells mean: first what was answered, then whether that is as documented. */
function accessLegend(some) {
  const key = (here, text) => {
    const { class: kind, sign } = look(here);
    return h("span", {}, h("span", { class: kind }, sign), ` ${text}`);
  };
  const has = (letters) => some.some((here) => letters.includes(here.letter));
  const is = (state) => some.some((here) => isTold(here) && (here.state in AS_DOCUMENTED ? here.state : "u") === state);
  const first = (state, otherwise) => (some.find((here) => isTold(here) && here.state === state) || { letter: otherwise }).letter;
  return [
    h("div", { class: "legend" }, h("strong", {}, "Answered:"), key({ letter: "a", state: "p" }, "may: was served"), key({ letter: "d", state: "p" }, "may not: was refused"),
      has("b") && key({ letter: "b", state: "p" }, "both: some served, some refused"), has("o") && key({ letter: "o", state: "p" }, "neither: another error, or no valid request"),
      has("s") && key({ letter: "s" }, "not judged; the cell says why"), has("u") && key({ letter: "u" }, "empty: no valid request of theirs")),
    h("div", { class: "legend" }, h("strong", {}, "Documented:"), h("span", {}, "without a mark: answered as documented"),
      key({ letter: first("k", "a"), state: "k" }, "otherwise than documented, known"), key({ letter: first("n", "d"), state: "n" }, "otherwise than documented, new"),
      is("c") && key({ letter: first("c", "a"), state: "c" }, "as documented here, though it is known not to be"), is("u") && key({ letter: first("u", "a"), state: "u" }, `nobody judged whether as documented${some.some((here) => isTold(here) && here.state === "u" && here.reasons.length) ? "; the cell says why" : ""}`)),
    some.some((here) => isTold(here) && data.bots.includes(here.persona)) && h("p", { class: "note soft small" }, data.of_bots),
  ];
}

const spaced = (name) => name.replaceAll("_", " ");

/** Those of whom something is told; the filter leaves one of them. */
const callers = () => Object.keys(data.personas).filter((name) => (!now.persona || name === now.persona) &&
  (answering.has(name) || (isJudged(name) && data.clauses.some((c) => c.rule === ruleOf(name) && c.by[name]))));

const isAskedWherever = TAGS.length > 0 || data.apart.some((name) => !data.made.includes(name));
const whomMade = (made) => (!made.length ? "" : isAskedWherever ? "Some ask about what lies in many places, so that they can be served and refused, both as documented."
  : `Callers whom single tests make (${spaced(made.join(", "))}) ask with and without a permission, so that they can be served and refused, both as documented.`);

/** About whose things somebody asks an operation: what makes a difference. */
const abouts = (operation, name) => (operation.self_differs && !isJudged(name) ? ["self", "other"] : ["any"]);

const showEveryVersion = (operation) => {
  go({ view: "personas", operation: operation.id, q: "", persona: "", from: 0, to: LAST, open: "" });
  $("main").focus();
};
/** Leads to who may call an operation in which version. */
const everyVersion = (operation) => button("Who may, in every version", () => showEveryVersion(operation));

function personas() {
  if (now.operation) return overVersions(operations.get(now.operation));
  const asked = callers();
  const world = asked.filter((name) => !isJudged(name));
  const made = asked.filter(isJudged);
  const shown = data.operations.filter((one) => (clausesOf.get(one.id) || []).some(isChosen));
  const says = (name) => h("span", { title: data.personas[name] }, spaced(name));
  const columns = 2 * world.length + made.length;
  const heres = new Map();
  for (const operation of shown) for (const name of asked) for (const about of abouts(operation, name)) {
    const here = told(operation, name, about, now.at);
    if (isTold(here)) heres.set(operation, (heres.get(operation) || new Map()).set(`${name}:${about}`, here));
  }
  const some = TAGS.length ? shown.filter((operation) => heres.has(operation)) : shown;
  const heading = (tag) => h("tr", { class: "tag" }, h("th", { scope: "rowgroup", colspan: columns + 1 }, tag));
  const one = (operation, name, about, from, to = from) => {
    const here = heres.has(operation) && heres.get(operation).get(`${name}:${about}`);
    return here ? access(operation, name, about, here, { from: now.at, to: now.at }, { from, to }) : "";
  };
  const table = h("table", { class: "who" },
    h("thead", {},
      h("tr", {}, h("th", { scope: "col", rowspan: 2 }, "operation, and whom the documentation lets in"), world.map((name) => h("th", { scope: "colgroup", colspan: 2, class: "group own" }, says(name))),
        made.map((name) => h("th", { scope: "col", rowspan: 2, class: "group any" }, says(name)))),
      h("tr", {}, world.map(() => [h("th", { scope: "col", class: "own" }, "own"), h("th", { scope: "col" }, "others'")]))),
    h("tbody", { onkeydown: walk }, (TAGS.length ? TAGS : [""]).map((tag) => some.filter((one) => !tag || one.tag === tag).map((operation, i) => [tag && !i ? heading(tag) : "", h("tr", { "data-line": true },
      h("th", { scope: "row" }, h("span", { class: "name" }, button(operation.id, () => showEveryVersion(operation), "link")), h("span", { class: "soft small" }, operation.requirement)),
      world.map((name, i) => operation.self_differs
        ? [h("td", { class: "own", "data-head": `${spaced(name)}, own` }, one(operation, name, "self", 2 * i)), h("td", { "data-head": `${spaced(name)}, others'` }, one(operation, name, "other", 2 * i + 1))]
        : h("td", { class: "any", colspan: 2, "data-head": spaced(name) }, one(operation, name, "any", 2 * i, 2 * i + 1))),
      made.map((name, i) => h("td", { class: "any", "data-head": spaced(name) }, one(operation, name, "any", 2 * world.length + i))))]))));
  oneStop(table, "button.access");
  return [
    h("p", { class: "lead" }, `Mattermost ${data.targets[now.at].called}: ${world.length || !made.length ? "whose valid requests were served and whose refused, about their own and about somebody else's" : "whose valid requests were served, and whose refused"}. `,
      whomMade(made), " The name of an operation leads to who may call it in every version."),
    accessLegend([...heres.values()].flatMap((each) => [...each.values()])),
    h("p", { class: "note soft small" }, "An empty cell: nobody asked with a valid request about something that exists, or not in this version."),
    Object.entries(data.targets[now.at].absent).map(([persona, why]) => h("p", { class: "note soft small" }, `Nobody asked as ${spaced(persona)}: ${why}.`)),
    some.length < shown.length && h("p", { class: "note soft small" }, `Left out: ${many(shown.length - some.length, "operation")} of which this run says nothing about who is let in.`),
    some.length && asked.length ? h("div", { class: "scroll" }, table) : nothing(),
  ];
}

const alike = (at) => spans((t) => JSON.stringify([at[t].letter, at[t].says, at[t].against.map((finding) => finding.signature)]));

/** Of one operation: every persona, and every version. */
function overVersions(operation) {
  const clause = clauses.get(`${operation.id}.permission`) || clauses.get(`${operation.id}.auth`);
  const lines = callers().flatMap((name) => abouts(operation, name).map((about) => ({ name, about, at: data.targets.map((_, t) => told(operation, name, about, t)) })));
  const within = (line) => line.at.slice(now.from, now.to + 1);
  const text = ({ name, at }) => [name, spaced(name), data.personas[name], ...at.flatMap((here) => [here.says, ...here.against.map((finding) => finding.signature)])].join("\n").toLowerCase();
  const shown = lines.filter((line) => within(line).some(isTold) && now.q.toLowerCase().split(/\s+/).every((word) => text(line).includes(word)));
  const untold = [...new Set(lines.map((line) => line.name))].filter((name) => !lines.some((line) => line.name === name && within(line).some(isTold)));
  const count = now.to - now.from + 1;
  const whose = { self: ", own", other: ", others'", any: "" };
  const table = h("table", { class: `who over${crowd(count)}`, onkeydown: walk, style: { "--columns": String(count) } },
    h("thead", {}, h("tr", { "data-line": true }, h("th", { scope: "col" }, "who"), range(now.from, now.to + 1).map((t) => h("th", { scope: "col" }, columnHead(t))))),
    h("tbody", {}, shown.map(({ name, about, at }) => h("tr", { "data-line": true },
      h("th", { scope: "row" }, h("span", { class: "name" }, `${spaced(name)}${whose[about]}`), about === "other" ? "" : h("span", { class: "soft small" }, data.personas[name])),
      alike(at).map((span) => h("td", { colspan: span.to - span.from + 1, "data-head": named(span) }, access(operation, name, about, at[span.to], span, span, `, ${named(span)}`)))))));
  oneStop(table, "button.access");
  const all = shown.flatMap(within);
  return [
    h("section", { class: "part" }, h("h2", {}, `Who may call ${operation.id}`), clause && quote(clause), h("p", { class: "note small" }, `read as: ${operation.requirement}${clauses.has(`${operation.id}.permission`) ? "" : `; ${NOBODY_SAYS}`}`), h("div", { class: "do" }, button("All operations", () => go({ operation: "", q: "" })))),
    shown.length > 0 && [
      h("p", { class: "lead" }, `Whose valid requests were served, and whose refused${operation.self_differs ? ", about their own and about somebody else's" : ""}, in which version. `, whomMade([...new Set(shown.map((line) => line.name))].filter(isJudged)), " Neighbouring versions of which the same is told are one cell."),
      accessLegend(all),
      h("div", { class: "scroll" }, table)],
    !shown.length && (lines.flatMap(within).some(isTold) || !lines.length ? nothing() : h("p", { class: "none" }, `Nobody who asks is told of here, ${[...new Set(lines.flatMap(within).map((here) => here.says))].join(", or ")}.`)),
    shown.length > 0 && untold.length > 0 && h("p", { class: "note soft small" }, `Not judged in any of these versions: ${spaced(untold.join(", "))}.`),
  ];
}

// -- view 3: deviations ---------------------------------------------------------------------------------------------

/** One card for each entry of the list of known deviations, and one for each new finding. */
const cards = (() => {
  const known = data.deviations.map((one) => ({ ...one, id: one.place.replace(/^.*\//, ""), findings: [], met: data.targets.map(() => "") }));
  const fresh = new Map();
  for (const finding of data.findings) finding.at.forEach((here, t) => {
    if (!here || !"nek".includes(here.state)) return;
    let card = known[here.card];
    if (!card) {
      const key = `${finding.clause} ${finding.signature}`;
      card = fresh.get(key) || { id: `new.${fresh.size + 1}`, verdict: "new", clauses: [finding.clause], signatures: [finding.signature], personas: [], findings: [], met: data.targets.map(() => "") };
      fresh.set(key, card);
      if (!card.personas.includes(finding.persona)) card.personas.push(finding.persona);
    }
    card.met[t] = worst([card.met[t], here.state]);
    if (!card.findings.includes(finding)) card.findings.push(finding);
  });
  return [...fresh.values(), ...known];
})();

const VERDICT = {
  new: ["New", "broken, and not yet judged by anybody"],
  server: ["The server is wrong", "the documentation promises it in so many words"],
  documentation: ["The documentation is wrong", "the server does well, and the documents do not say so"],
  ambiguous: ["Ambiguous", "the documents say too little to blame anybody"],
};

/** Whether some record on this page shows it; an entry about other operations or versions is none of theirs. */
const isMet = (card) => card.met.some(Boolean);

/** How many of some cards these records show: of the whole list, which `mmconform deviations` counts too, and beside it what is new. */
function seen(some) {
  const fresh = some.filter((card) => card.verdict === "new").length;
  const all = data.deviations.length;
  return [all || !fresh ? `${some.filter(isMet).length - fresh} of ${all} seen` : "", fresh ? `${fresh} new` : ""].filter(Boolean).join(", ");
}

function isCardShown(card) {
  const some = card.clauses.map((id) => clauses.get(id));
  const met = card.met.slice(now.from, now.to + 1).join("");
  const text = [card.reason, card.evidence, card.place, ...card.signatures].join("\n").toLowerCase();
  return some.some((clause) => (!now.operation || clause.operation === now.operation) && (!now.rule || clause.rule === now.rule) &&
      now.q.toLowerCase().split(/\s+/).every((word) => textOf(clause.id).includes(word) || text.includes(word))) &&
    (!now.persona || card.personas.includes(now.persona)) && (!(now.state in data.states) || met.includes(now.state)) &&
    (!now.fresh || card.verdict === "new") && (met || (now.from === 0 && now.to === LAST));
}

const firstOf = (card) => {
  for (const t of range(0, LAST + 1).reverse()) for (const finding of card.findings) {
    const here = finding.at[t];
    if (here && "nek".includes(here.state)) return { finding, here, t };
  }
  return null;
};

function strip(letters, label, target) {
  return h("div", {}, h("div", { class: "strip", role: "img", "aria-label": label, style: { "--columns": String(letters.length) } },
    letters.map((letter, t) => h("span", { class: letter || "none", title: `${data.targets[t].name}${letter ? `: ${word(letter)}` : ""}` }, letter && mark(letter)))),
    h("div", { class: "ends", "aria-hidden": "true" }, h("span", {}, data.targets[0].short), h("span", {}, data.targets[LAST].short)));
}

/** Where letters are the same in neighbouring targets, as text. */
function runs(letters, wanted) {
  const found = [];
  letters.forEach((letter, t) => {
    if (!wanted.includes(letter) || !letter) return;
    const last = found.at(-1);
    if (last && last.to === t - 1) last.to = t;
    else found.push({ from: t, to: t });
  });
  return found.map(named).join(", ");
}

const quote = (clause) => h("blockquote", {}, prose(clause.text), h("div", { class: "soft small mono" }, clause.place), clause.evidence && h("div", { class: "soft small" }, `our addition; evidence: ${clause.evidence}`));
const button = (text, act, kind = "plain small") => h("button", { type: "button", class: kind, onclick: act }, text);
const chip = (id, t = now.to) => button(id, () => open(`${id}@${data.targets[t].name}`), "link");

const isOfAll = (card) => card.personas.length === Object.keys(data.personas).length - data.made.length;

/** A card begins with what tells it from others: the rule, the operations, for whom, in which versions, and what was answered. */
function drawCard(card) {
  const first = firstOf(card);
  const t = first ? first.t : NEWEST;
  const met = runs(card.met, ["n", "k", "e"]);
  return h("article", { class: `card ${card.verdict}${now.open === `card:${card.id}` ? " chosen" : ""}`, id: `card-${card.id}`, "aria-label": `${card.clauses.join(", ")}: ${card.signatures.join(", ")}` },
    h("h3", {}, mark(card.verdict === "new" ? "n" : "k"), " ", [...new Set(card.clauses.map((id) => clauses.get(id).rule))].join(", "), h("span", { class: "soft" }, " of ")),
    h("div", { class: "names" }, card.clauses.map((id, i) => [i ? ", " : "", button(clauses.get(id).operation, () => open(`${id}@${data.targets[t].name}`), "link")])),
    h("div", { class: "small" }, h("span", { class: "soft" }, "for "), isOfAll(card) ? "everybody" : card.personas.join(", ").replaceAll("_", " "), card.versions && `, ${card.versions}`),
    h("div", { class: "mono" }, card.signatures.map((one) => h("div", {}, one))),
    quote(clauses.get(card.clauses[0])), card.clauses.length > 1 && h("p", { class: "soft small" }, `and ${many(card.clauses.length - 1, "promise")} like it`),
    card.reason && h("p", {}, prose(card.reason)),
    card.evidence && h("p", { class: "soft small" }, `Evidence: ${card.evidence}`),
    h("p", { class: "small" }, h("span", { class: "soft" }, "Seen in: "), met || "none of these versions", card.rare ? " (few requests meet it)" : ""),
    strip(card.met, `seen in ${met || "none of these versions"}`),
    h("div", { class: "do" }, button("Copy as issue", () => copy(issue(card), "The issue is in the clipboard.")), button("Copy link", () => copy(link({ ...now, view: "deviations", open: `card:${card.id}` }), "The link is in the clipboard.")),
      card.place ? h("span", { class: "soft small mono" }, card.place) : ""));
}

/** Prose in Markdown in which nothing is markup, a link or a mention; what stands between backticks is code. */
const inert = (text) => text.replace(/(?<!`)`([^`]+)`(?!`)|[^\s`]+|\s+|`+/g, (piece, inside) =>
  (inside || /[@#]\w|:\/\/|\bwww\.|\bGH-\d/.test(piece) ? literal(inside || piece) : piece.replace(/[\\`*_[\]<>|#&~]/g, "\\$&")));

/** A line as code in Markdown; its fence is longer than any in it. */
function literal(text) {
  const ticks = "`".repeat(Math.max(0, ...[...text.matchAll(/`+/g)].map((m) => m[0].length)) + 1);
  return text.includes("`") ? `${ticks} ${text.replaceAll("\n", " ")} ${ticks}` : `\`${text.replaceAll("\n", " ")}\``;
}

/** A deviation as Markdown. What servers say stands in code, so that it is text there too. */
function issue(card) {
  const fence = (kind, text) => {
    const ticks = "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map((m) => m[0].length + 1)));
    return `${ticks}${kind}\n${text}\n${ticks}`;
  };
  const first = firstOf(card);
  const at = first ? data.targets[first.t] : data.targets[NEWEST];
  const seen = first && first.here.exchange !== undefined ? data.exchanges[first.here.exchange] : null;
  const parts = [`# ${card.clauses.join(", ")}: ${card.signatures.map(literal).join(", ")}`];
  for (const clause of card.clauses.map((id) => clauses.get(id)))
    parts.push(`**Promise** ${literal(clause.id)} (${literal(clause.place)}${clause.evidence ? `, our addition; evidence: ${inert(clause.evidence)}` : ""}):\n\n> ${inert(clause.text).replaceAll("\n", "\n> ")}`);
  parts.push(`**Seen**: ${card.signatures.map(literal).join(", ")}, by ${card.personas.map((one) => (/^[a-z_]+$/.test(one) ? one : literal(one))).join(", ")}, in Mattermost ${inert(runs(card.met, ["n", "k", "e"])) || "none of the versions at hand"}.`);
  if (card.reason) parts.push(`**Verdict**: ${VERDICT[card.verdict][0].toLowerCase()}. ${inert(card.reason)}`, `**Evidence**: ${inert(card.evidence)}`);
  if (seen) parts.push(`**Repeat** (Mattermost ${literal(at.name)}, as ${literal(first.finding.persona)}${seen.asked && `, ${inert(seen.asked)}`}${seen.so && `; ${inert(seen.so)}`}):\n\n${fence("sh", seen.curl)}`, `It answered ${literal(seen.status)}:\n\n${fence("", seen.answer)}`);
  parts.push(`Found by ${data.made_by} with ${literal(at.command)}; documents ${data.spec.slice(0, 12)}${at.commit ? `, server commit ${literal(at.commit)}` : ""}.`);
  return parts.join("\n\n") + "\n";
}

function deviations() {
  const shown = cards.filter(isCardShown);
  const unmet = shown.filter((card) => !isMet(card));
  const fresh = cards.filter((card) => card.verdict === "new").length;
  const known = cards.filter(isMet).length - fresh;
  return [
    h("p", { class: "lead" }, `Every disagreement of a server with the documentation, by who is wrong: of ${many(data.deviations.length, "known deviation")} on our list these records show ${known}; ${fresh || "none"} new. ${shown.length < cards.length ? `With these filters: ${seen(shown)}. ` : ""}`,
      "A known deviation is an entry of the list, and may be about several promises; the other views count promises."),
    ["new", ...data.verdicts].map((verdict) => {
      const some = shown.filter((card) => card.verdict === verdict && isMet(card));
      return some.length ? h("section", { "aria-label": VERDICT[verdict][0] }, h("h2", {}, `${VERDICT[verdict][0]} `, h("span", { class: "soft small" }, `${some.length}: ${VERDICT[verdict][1]}`)), h("div", { class: "cards" }, some.map(drawCard))) : "";
    }),
    unmet.length > 0 && h("details", {}, h("summary", {}, `${many(unmet.length, "known deviation")} that none of these records shows`), h("div", { class: "cards" }, unmet.map(drawCard))),
    shown.length ? "" : nothing(),
  ];
}

// -- view 4: principles ---------------------------------------------------------------------------------------------

const standing = (one) => one.at.slice(now.from, now.to + 1).map((here) => (here ? here.state : "")).join("");

function isContradictionShown(one) {
  const text = [one.principle, one.operation, one.beside, one.field, ...one.at.map((here) => (here ? here.seen : ""))].join("\n").toLowerCase();
  return standing(one) && (!now.operation || one.operation === now.operation) && (!now.fresh || standing(one).includes("n")) &&
    (!now.state || standing(one).includes(now.state)) && (!now.persona || one.at.some((here) => here && here.personas.includes(now.persona))) &&
    now.q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** Two answers that do not go together, side by side, as they were in the newest version that shows it. */
function drawContradiction(one) {
  const t = range(now.from, now.to + 1).reverse().find((i) => one.at[i]);
  const here = one.at[t];
  const met = runs(one.at.map((seen) => (seen ? seen.state : "")), Object.keys(data.standings));
  return h("article", { class: `card ${{ n: "new", g: "gap" }[here.state] || ""}`, "aria-label": `${one.principle}: ${one.operation}, ${one.field}` },
    h("h3", {}, mark(here.state), " ", operations.has(one.operation) ? chip(one.operation, t) : one.operation, h("span", { class: "soft" }, one.field ? `: ${one.field}` : "")),
    h("p", {}, prose(here.seen)),
    h("p", { class: "small" }, h("span", { class: "soft" }, "Who: "), here.personas.join(", ").replaceAll("_", " "), h("br"), h("span", { class: "soft" }, "Seen in: "), met,
      one.beside ? [h("br"), h("span", { class: "soft" }, "Beside: "), operations.has(one.beside) ? chip(one.beside, t) : one.beside] : ""),
    here.sides.map((side) => h("pre", {}, `${side.request}\n${side.who}: ${side.status}${side.answer ? `\n${side.answer}` : ""}`)),
    here.entry && h("div", { class: "soft small mono" }, here.entry));
}

function principles() {
  const shown = data.contradictions.filter(isContradictionShown);
  return [
    h("p", { class: "lead" }, "What holds of the API as a whole, though no sentence says so: two answers that do not go together. None of it breaks a promise."),
    h("div", { class: "legend" }, Object.entries(data.standings).map(([letter, one]) => h("span", {}, mark(letter), ` ${one.means}`))),
    Object.entries(data.principles).map(([name, means]) => {
      const some = shown.filter((one) => one.principle === name);
      return some.length > 0 && h("section", { class: "part" }, h("h2", {}, `${name[0].toUpperCase()}${name.slice(1)} `, h("span", { class: "soft" }, `(${some.length})`)),
        h("p", {}, means), h("div", { class: "cards" }, some.map(drawContradiction)));
    }),
    shown.length ? "" : nothing(),
  ];
}

// -- view 5: how sure is this? --------------------------------------------------------------------------------------

/** What a run says, without a percentage. */
function sentence(one) {
  const rest = [["skip", "skipped"], ["error", "in error"]].filter(([key]) => one[key]).map(([key, word]) => `, ${one[key]} ${word}`);
  if (one.changed) rest.push(`, ${many(one.changed, "new change")}`);
  return `verified ${one.verified} of ${one.clauses} promises, ${one.new} new, ${one.known} known${one.unmet ? `, ${one.unmet} ${word("c")}` : ""}${rest.join("")}${one.unobserved ? `, ${one.unobserved} unobserved` : ""}`;
}

const sum = (one, i) => Object.values(one.coverage).reduce((total, values) => total + values[i], 0);
const verdictOf = (one) => h("span", { class: one.green ? "green" : "red" }, one.green ? "green" : "red");
const verdictAndWhy = (one) => [verdictOf(one), one.green ? "" : ` (${one.why_red.join(", ")})`];

/** What a run did not verify, by the reason why: first what makes it red (`isRed`), each with what a number of `some` is called. */
function gaps(t) {
  const one = data.targets[t];
  const found = new Map();
  const add = (reason, id, isRed = false, what = ["promise"]) => {
    if (!found.has(reason)) found.set(reason, { some: [], isRed, what });
    found.get(reason).some.push(id);
  };
  for (const clause of data.clauses) {
    const state = clause.at[t];
    if (state === "s") for (const reason of skippedFor(clause, t)) add(`${data.states.s.mark} skipped, ${whySkipped(reason)}`, clause.id);
    const finding = (findingsOf.get(clause.id) || []).find((f) => f.at[t] && f.at[t].state === state);
    if (state === "e") add(`${data.states.e.mark} could not be seen: ${finding.at[t].seen}`, clause.id, true);
    if (state === "u") add(`${data.states.u.mark} unobserved: ${(one.coverage[clause.operation] || [])[1] ? data.states.u.means : "nothing was sent to its operation in this run"}`, clause.id);
  }
  for (const { test, reason, why, part } of one.not_played) {
    const name = test.split("::").pop().split("[")[0];
    add(`left out by the suites, ${whySkipped(reason)}`, [name, part, why].filter(Boolean).join(", "), false, ["test, or part of one,", "tests, or parts of some,"]);
  }
  for (const [operation, count] of Object.entries(one.unanswered))
    add("no answer in time to what a principle asked, which so shows nothing", `${operation || "to make what others are about"}, ${many(count, "request")}`, false, ["operation"]);
  for (const entry of one.not_met) add("listed as known, and not seen by the hand-written tests that meet it", entry, true, ["known deviation"]);
  for (const what of one.left_out) add("left out: asked for and not judged", what, true, ["time"]);
  for (const id of one.not_exercised) add("not exercised: no valid request was served, so a pass would mean nothing", id, true, ["operation"]);
  for (const entry of one.fixed) add("listed as known, and seen no more: delete the entry", entry, true, ["entry", "entries"]);
  return [...found].sort(([, { isRed }], [, other]) => other.isRed - isRed);
}

function repeat(one) {
  return h("div", { class: "exchange" }, h("pre", {}, one.command), h("div", {}, button("Copy", () => copy(one.command, "The command is in the clipboard."))),
    h("dl", { class: "facts" },
      [["suite", Object.entries(one.tools).map(([name, version]) => `${name} ${version}`).join(", ")], ["seed", `${one.seed}, ${many(one.max_examples, "fuzzed request")} for each operation`],
       ["documents", h("span", { class: "mono" }, `sha256 ${data.spec}`)], ["server", `${one.edition} edition, calls itself ${one.calls_itself}, build ${one.build || "unknown"}`],
       ["server commit", h("span", { class: "mono" }, one.commit || "unknown")], ["run", `${one.started} to ${one.finished}${one.selection ? `, only ${one.selection}` : ", whole"}`]]
        .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

/** What is folded; of very much only made when it is unfolded. */
function later(summary, size, make, isOpen = false) {
  const isMade = size <= 10 * FEW;
  const details = h("details", { open: isOpen && isMade }, h("summary", {}, summary), isMade ? make() : "");
  if (!isMade) details.addEventListener("toggle", () => details.append(make()), { once: true });
  return details;
}

function gapList(t) {
  const found = gaps(t);
  const chips = (ids) => h("div", { class: "chips small" }, ids.map((id) => (clauses.has(id) || operations.has(id) ? chip(id, t) : h("span", {}, id))));
  return found.length ? found.map(([reason, { some, isRed, what }]) => later(`${many(some.length, ...what)} ${reason}`, some.length, () => chips(some), isRed))
    : h("p", {}, "No gap: every promise was verified.");
}

function coverage(t) {
  const shown = data.operations.filter((operation) => (clausesOf.get(operation.id) || []).some(isChosen));
  if (!TAGS.length) return coverageOf(shown, t);
  return TAGS.map((tag) => [tag, shown.filter((one) => one.tag === tag)]).filter(([, some]) => some.length).map(([tag, some]) =>
    later(`${tag}: ${many(some.length, "operation")}, ${tally(some, t).asked} asked`, Infinity, () => coverageOf(some, t)));
}

/** Why nothing is known of an operation here: what most of its promises were skipped for; else no request could tell. */
function whyNotAsked(operation, t) {
  const skipped = (clausesOf.get(operation.id) || []).flatMap((clause) => (clause.at[t] === "s" ? skippedFor(clause, t) : []));
  const times = (reason) => skipped.filter((one) => one === reason).length;
  const [most] = [...new Set(skipped)].sort((a, b) => times(b) - times(a));
  const [, sent] = data.targets[t].coverage[operation.id] || [];
  return most ? data.reasons[most] || most : (sent ? "no request was about something that is known to exist" : "nobody asked for it in this run");
}

function coverageOf(shown, t) {
  const one = data.targets[t];
  const heads = ["operation", "promises verified", "requests judged", "valid, about something that exists", "of them served", "why no more"];
  return h("div", { class: "scroll" }, withHeads(h("table", { class: "data" },
    h("thead", {}, h("tr", {}, heads.map((text, i) => h("th", { scope: "col", class: i && i < 5 ? "n" : "" }, text)))),
    h("tbody", {}, shown.map((operation) => {
      const [inScope, sent, reached, served, , gate, ofNothing, off] = one.coverage[operation.id] || [false, 0, 0, 0];
      const some = clausesOf.get(operation.id) || [];
      const done = some.filter((clause) => "nkcp".includes(clause.at[t])).length;
      return h("tr", {}, h("th", { scope: "row" }, chip(operation.id, t)), h("td", { class: "n" }, `${done} of ${some.length}`), [sent, reached, served].map((n) => h("td", { class: "n" }, String(n))),
        h("td", { class: "soft" }, gate ? `not offered: ${gate}` : !inScope ? whyNotAsked(operation, t) : one.not_exercised.includes(operation.id) ? "not exercised" : reached && !served && ofNothing ? "about what no run can make: it is seen who is let in alone" : reached && !served && off ? `about none of what is switched off there: ${off}` : reached && !served ? "nobody was served, which no answer explains" : ""));
    }))), heads));
}

/** Which flaws the suites were shown to notice, on servers of ours that have one each. */
function proof() {
  const chosen = data.proof.mutants.filter((one) => !now.operation || [now.operation, "*"].includes(one.operation));
  const beside = chosen.some((one) => one.plain);
  const noticed = (list) => list.filter((one) => one.killed).length;
  const missed = chosen.length - noticed(chosen);
  const odd = chosen.filter((one) => !one.as_declared).length;
  const heads = ["what is wrong", ...data.rules, "others", beside ? "plain Schemathesis" : ""];
  const place = (operation) => [...operations.keys(), "*"].indexOf(operation);
  const cells = (one) => data.rules.map((rule) => h("td", { class: "n" }, one.by[rule] ? [mark("p"), one.by[rule] > 1 ? String(one.by[rule]) : ""] : ""));
  return [
    h("p", { class: "lead" }, `${many(chosen.length, "server")} of ours ${chosen.length === 1 ? "has a flaw" : "have a flaw each"}. ${noticed(chosen)} ${noticed(chosen) === 1 ? "is" : "are"} noticed, `,
      odd ? `${odd} not as declared` : "by exactly the promises that it breaks", missed ? `; ${missed} ${missed === 1 ? "is" : "are"} not. ` : ". ",
      beside ? `Plain Schemathesis, with all its checks and an administrator's session, notices ${chosen.filter((one) => (one.plain || []).length).length}. ` : "",
      `Run on ${data.proof.made.slice(0, 10)}, of the whole suites.`),
    [...by(chosen, "operation")].sort(([one], [other]) => place(one) - place(other)).map(([operation, some]) => h("details", { open: noticed(some) < some.length }, h("summary", {}, `${operation === "*" ? "every operation" : operation}: ${noticed(some)} of ${some.length}`),
      h("div", { class: "scroll" }, withHeads(h("table", { class: "data flaws" }, h("thead", {}, h("tr", {}, heads.map((text, i) => h("th", { scope: "col", class: i && i <= data.rules.length ? "n" : "" }, text)))),
        h("tbody", {}, some.map((one) => h("tr", {}, h("th", { scope: "row", title: one.name }, prose(one.flaw), one.blind ? h("div", { class: "soft small" }, `not noticed: ${one.blind}`) : ""),
          cells(one), h("td", { class: "small" }, one.others.map((id) => h("div", {}, clauses.has(id) ? chip(id, now.at) : id))), h("td", { class: "small" }, (one.plain || []).map((text) => h("div", {}, text))))))), heads)))),
  ];
}

function trust() {
  const one = data.targets[now.at];
  const heads = ["version", "verdict", "verified", "kept", "known", "new", "skipped", "unobserved", "errors", "not taped", "requests", "valid", "commit"];
  return [
    h("section", { class: "part" }, h("h2", {}, `Mattermost ${one.called}`), h("p", {}, verdictAndWhy(one), `: ${sentence(one)}`)),
    h("section", { class: "part" }, h("h2", {}, "Not verified, and why"), gapList(now.at), one.not_taped ? h("p", {}, `${one.not_taped} requests have no answer on the tape; nothing is said about the server.`) : ""),
    h("section", { class: "part" }, h("h2", {}, "How far the requests got"), coverage(now.at)),
    h("section", { class: "part" }, h("h2", {}, "How to repeat it"), repeat(one)),
    data.proof ? h("section", { class: "part" }, h("h2", {}, "What these tests were shown to notice"), proof()) : "",
    h("section", { class: "part" }, h("h2", {}, "All versions"), h("div", { class: "scroll" }, withHeads(h("table", { class: "data" },
      h("thead", {}, h("tr", {}, heads.map((text, i) => h("th", { scope: "col", class: i > 1 && i < 12 ? "n" : "" }, text)))),
      h("tbody", {}, data.targets.map((each) => h("tr", {}, h("th", { scope: "row" }, button(each.called, () => open(`@${each.name}`), "link")), h("td", { class: "no-wrap" }, verdictOf(each)),
        [`${each.verified} of ${each.clauses}`, each.pass + (each.unmet ? `, ${each.unmet} though known` : ""), each.known, each.new, each.skip, each.unobserved, each.error, each.not_taped, sum(each, 1), sum(each, 2)].map((n) => h("td", { class: "n no-wrap" }, String(n))),
        h("td", { class: "mono" }, each.commit.slice(0, 10)))))), heads))),
  ];
}

// -- the panel ------------------------------------------------------------------------------------------------------

function open(what) {
  opener = document.activeElement && document.activeElement.closest("main") ? describe(document.activeElement) : opener;
  go({ open: what });
  if (!$("panel").hidden) $("panel").querySelector("h2").focus();
}

/** What finds an element again after everything was drawn anew. */
const describe = (element) => element.getAttribute("aria-label") || element.textContent;

function close() {
  go({ open: "" });
  const again = [...$("main").querySelectorAll("button")].find((one) => describe(one) === opener);
  if (again) again.focus();
  else $("main").focus();
}

const part = (title, ...children) => h("section", {}, h("h3", {}, title), children);

function head(title, state, text) {
  return [h("div", { class: "head" }, h("h2", { tabindex: "-1" }, title.split(/(?<=\.)/).map((part, i) => [i > 0 && h("wbr"), part])), h("div", { class: "no-wrap" }, button("Link", () => copy(link(now), "The link is in the clipboard.")), " ",
    h("button", { type: "button", class: "plain small", id: "close", "aria-label": "Close the details", title: "Close (Esc)", onclick: close }, "✕"))),
  h("p", { class: "verdict" }, state && mark(state), " ", text)];
}

/** What stands for an address in a line for a shell. */
const ofServer = (line) => (line.includes('"$SERVER"') ? "$SERVER is the address of a server of yours." : "");

/** A request and its answer, with the line that repeats it and what has to be so for that. */
const traffic = (title, seen) => [
  h("details", { open: true }, h("summary", {}, title), h("pre", {}, `${seen.method} ${seen.url}${seen.body ? `\n\n${seen.body}` : ""}`), h("pre", {}, `${seen.status} ${seen.media}\n\n${seen.answer}`)),
  (seen.so || ofServer(seen.curl)) && h("p", { class: "small" }, [seen.so && `${seen.so}.`, ofServer(seen.curl)].filter(Boolean).join(" ")),
  h("details", {}, h("summary", {}, "as curl"), h("pre", {}, seen.curl)),
  h("div", {}, button("Copy curl", () => copy(seen.curl, "The curl command is in the clipboard.")))];

function exchange(finding, here) {
  const seen = here.exchange === undefined ? null : data.exchanges[here.exchange];
  return h("div", { class: "exchange" },
    h("div", { class: "mono" }, h("strong", {}, finding.signature)),
    here.seen !== finding.signature && h("div", {}, here.seen),
    h("div", { class: "small" }, `${finding.persona.replaceAll("_", " ")}, `, h("span", { class: "soft" }, here.count === 1 ? "once" : `${here.count} times`), seen && seen.asked && `; ${here.count === 1 ? "" : "the first "}${seen.asked}`),
    seen && traffic("the first exchange", seen),
    h("div", { class: "soft small mono" }, here.cassette || here.test));
}

/** A line that asks as a document has it, for a promise of which the record keeps no exchange: as somebody who saw it kept. */
function attempt(operation, rule, personas) {
  // What is wrong about wrong input, and what a request does to the next page, no document has.
  if (!operation.curl || rule === "input" || rule === "paging") return "";
  const asks = Object.keys(data.personas).filter((name) => personas.includes(name));
  const wanted = { auth: "anonymous", permission: "" }[rule] ?? "system_admin"; // who is served shows most but of who may
  const persona = asks.includes(wanted) ? wanted : asks[0];
  if (!persona) return "";
  const line = persona === "anonymous" ? operation.curl : `${operation.curl} -H "Authorization: Bearer $${persona.toUpperCase()}"`;
  const who = persona === "anonymous" ? "Without a session." : `$${persona.toUpperCase()} is a session of ${spaced(persona)} (${data.personas[persona]}).`;
  return h("details", {}, h("summary", {}, `try it with curl, as ${spaced(persona)}`), h("pre", {}, line),
    h("p", { class: "small" }, who, " ", ofServer(line), /\{[a-z][^"{}]*\}/.test(line) && " What stands in braces is for you to fill in."), button("Copy curl", () => copy(line, "The curl command is in the clipboard.")));
}

/** A word for a shell, whatever a record or a document says in it. */
const sh = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

/** A strip of a promise's states, and neighbours that are alike: in one state, and of what is `said` of each target. */
function history_(letters, said) {
  const same = [];
  letters.forEach((letter, t) => {
    const last = same.at(-1);
    if (last && last.letter === letter && last.said.join("\n") === said[t].join("\n")) last.to = t;
    else same.push({ letter, said: said[t], from: t, to: t });
  });
  return [strip(letters, same.map((one) => `${named(one)}: ${[word(one.letter), ...one.said].join(", ")}`).join("; ")), same];
}

/** Whether a promise says who may, and who may not. */
const isOfWho = (clause) => clause.rule === "permission" || clause.rule === "auth";

function clausePanel(clause, t) {
  const one = data.targets[t];
  const state = statesOf(clause)[t];
  const operation = operations.get(clause.operation);
  const isOfWhom = (f) => !now.persona || [now.persona, "everyone"].includes(f.persona);
  const here = (findingsOf.get(clause.id) || []).filter((f) => f.at[t] && isOfWhom(f));
  const broken = here.filter((f) => "nek".includes(f.at[t].state));
  const known = [...new Set(broken.map((f) => f.at[t].card).filter((card) => card !== undefined))].map((n) => data.deviations[n]);
  const skipped = [...new Set(here.filter((f) => f.at[t].state === "s").map((f) => f.signature))];
  const kept = Object.entries(clause.kept).filter(([persona, { at }]) => at[t] && (!now.persona || persona === now.persona));
  const unmet = state === "c" ? clause.unmet[t].map((n) => data.deviations[n]) : [];
  const testsHere = ({ tests }) => Object.keys(tests).filter((name) => tests[name][t] === "1");
  const shown = broken.slice(0, 12);
  const repeated = [...new Set(broken.length ? shown.map((f) => f.at[t].test) : kept.slice(0, 1).flatMap(([, row]) => testsHere(row).slice(0, 1)))].filter((name) => name);
  const ways = data.targets.map((_, i) => [...new Set((findingsOf.get(clause.id) || []).filter((f) => f.at[i] && "nek".includes(f.at[i].state) && isOfWhom(f)).map((f) => f.signature))].sort());
  const [shape, same] = history_([...statesOf(clause)], ways);
  return [
    head(clause.id, state, `Mattermost ${one.called}${now.persona ? `, ${now.persona.replaceAll("_", " ")}` : ""}: ${data.states[state].means}`),
    part("Promise", quote(clause), h("div", { class: "small mono soft" }, `${operation.method} ${data.base}${operation.path}`), isOfWho(clause) && h("div", {}, everyVersion(operation))),
    skipped.length && state === "s" && part("Why not judged", skipped.map((reason) => h("p", {}, whySkipped(reason), operation.since && t < operation.since_at ? ` (documented since ${operation.since})` : ""))),
    state === "u" && part("Why not judged", h("p", {}, data.states.u.means)),
    [["Known, because", known], ["Known to be broken, and not met here, because", unmet]].map(([title, some]) => some.length > 0 && part(title, some.map((card) => h("div", { class: "exchange" }, h("div", {}, h("strong", {}, VERDICT[card.verdict][0]), h("span", { class: "soft" }, `, ${card.versions}`)), h("p", {}, prose(card.reason)), h("p", { class: "soft small" }, `Evidence: ${card.evidence}`),
      h("div", {}, button("Its card", () => go({ view: "deviations", open: `card:${card.place.replace(/^.*\//, "")}` }))))))),
    broken.length && part("Seen", shown.map((f) => exchange(f, f.at[t])), broken.length > shown.length && h("p", { class: "soft" }, `and ${broken.length - shown.length} more`)),
    kept.length && part(broken.length ? "Kept otherwise" : "Kept", h("ul", { class: "list" }, kept.map(([persona, row]) => h("li", {}, mark("p"), h("details", {}, h("summary", {}, `${persona.replaceAll("_", " ")}, ${many(row.at[t], "time")}, in ${many(testsHere(row).length, "test")}`), testsHere(row).map((name) => h("div", { class: "mono small" }, name)))))),
      !broken.length && attempt(operation, clause.rule, kept.map(([persona]) => persona))),
    part("Over the versions", shape, h("ul", { class: "list small" }, same.map((span) => h("li", {}, mark(span.letter), h("span", {}, h("span", { class: "no-wrap" }, named(span)), ` ${word(span.letter)}`, span.said.map((text) => h("div", { class: "mono soft" }, text))))))),
    repeated.length > 0 && part("Repeat", h("pre", {}, [data.run, sh(one.target), one.documents, ...repeated.map(sh)].filter(Boolean).join(" "))),
  ];
}

function operationPanel(operation, t) {
  const one = data.targets[t];
  const some = clausesOf.get(operation.id) || [];
  const [, sent, reached, served, , gate] = one.coverage[operation.id] || [false, 0, 0, 0];
  const states = some.map((clause) => statesOf(clause)[t]);
  const counts = WORST.map((s) => [s, states.filter((x) => x === s).length]).filter(([, n]) => n);
  return [
    head(operation.id, worst(states), `Mattermost ${one.called}: ${counts.map(([s, n]) => `${n} ${word(s)}`).join(", ")}`),
    h("div", { class: "small mono soft" }, `${operation.method} ${data.base}${operation.path}`),
    part("Promises", h("ul", { class: "list" }, [...some].sort((a, b) => WORST.indexOf(statesOf(a)[t]) - WORST.indexOf(statesOf(b)[t])).map((clause) => h("li", {}, mark(statesOf(clause)[t]), h("div", {}, button(short(clause), () => open(`${clause.id}@${one.name}`), "link"), h("div", { class: "soft small" }, prose(clause.text))))))),
    part("How far the requests got", h("p", {}, `${sent} judged, ${reached} of them valid and about something that exists, ${served} of those served.`), gate && h("p", {}, "Not offered here: ", h("span", { class: "mono" }, gate))),
    part("Documented", h("p", {}, operation.since ? `since ${operation.since}` : "without a minimum version", operation.removed ? `, removed in ${operation.removed}` : "", `; open to ${operation.requirement}`), h("div", {}, everyVersion(operation))),
  ];
}

/** The promises that stand otherwise than in another column. */
function turned(t, other) {
  const some = data.clauses.filter((clause) => clause.at[t] !== clause.at[other]);
  const list = () => h("ul", { class: "list" }, some.map((clause) => h("li", {}, h("span", { class: "no-wrap", role: "img", "aria-label": `${word(clause.at[other])}, now ${word(clause.at[t])}` }, mark(clause.at[other]), " → ", mark(clause.at[t])), chip(clause.id, t))));
  if (!some.length) return h("p", {}, `Every promise counts as before${answeredAllTheSame(t, other)}.`);
  return some.length > FEW ? later(`${some.length} promises stand otherwise`, some.length, list) : list();
}

/** That promises are not answers, and how many of these changed, as far as the page knows. */
function answeredAllTheSame(t, other) {
  const { against, changes } = data.targets[t];
  if (against !== data.targets[other].target) return ", which says nothing of answers: see above";
  return changes.length ? `, though answers changed (${effects(changes).map(([effect, some]) => `${some.length} ${EFFECT[effect][1]}`).join(", ")}): see above` : "";
}

/** Of which other column a version's panel tells the difference. */
function pickOther(t, other) {
  const names = data.targets.map((one, i) => [one.name, one.called, i]).filter(([, , i]) => i !== t);
  return h("div", { class: "field" }, h("label", { for: "by-other" }, "Compared with"), h("select", { id: "by-other", onchange: (e) => open(`@${data.targets[t].name}~${e.target.value}`) },
    other < 0 && h("option", { value: "" }, "…"), names.map(([name, called, i]) => h("option", { value: name, selected: i === other }, called))));
}

/** Of two columns side by side that cannot be compared; a page of these two could not either. */
const notAlike = (head) => part(head, h("p", {}, `${NOT_COMPARED[0].toUpperCase()}${NOT_COMPARED.slice(1)}.`));

/** What was answered otherwise than in another column: of what a run or this page compared, and else how to see it. */
function answeredSince(t, other) {
  const one = data.targets[t];
  const before = data.targets.findLastIndex((each, i) => i < t && each.target === one.against);
  if (other === undefined || other === before) {
    if (one.against) return part(`Answers since ${before < 0 ? plainName(one.against) : data.targets[before].called}`, one.changes.length ? changed(one.changes, t) : h("p", {}, `No changed answers${one.apart ? one.apart.where : ""}.`), one.apart && notCompared(one, t),
      one.lists ? byLists(t) : !one.documents && h("p", { class: "soft small" }, "What our lists know to have changed beside, and no request here shows, such as a permission that was retired: ", h("span", { class: "mono" }, `mmconform compare ${sh(plainName(one.against))} ${sh(plainName(one.target))}`)));
    return t > 0 && notAlike("Answers");
  }
  const [first, last] = [t, other].sort((a, b) => a - b);
  if (last - first === 1 && data.targets[last].against !== data.targets[first].target) return notAlike(`Answers compared with ${data.targets[other].called}`);
  const two = [Math.min(t, other), Math.max(t, other)].map((i) => sh(plainName(data.targets[i].target)));
  const line = `mmconform report ${[...two, one.documents].filter(Boolean).join(" ")} --output page.html`;
  return part(`Answers compared with ${data.targets[other].called}`, h("p", {}, "A page of these two has them:"), h("pre", {}, line),
    h("div", {}, button("Copy", () => copy(line, "The command is in the clipboard."))));
}

/** Of a version beside which no other was asked the same: what changed is not known, which is not nothing. */
const NOT_COMPARED = "not compared with the version before: the two were not asked the same requests (each run of pytest on a live server draws its own; mmconform compare --save NAME URL keeps a record of those that recordings were asked)";
const EFFECT = Object.fromEntries(Object.entries(data.effects).map(([effect, sign]) => [effect, [sign, effect]]));
const CHANGED = "What a server answers otherwise than the one before it on this page to the same requests, and promises that are kept or broken since though no such answer tells of it, counted for each operation as mmconform compare does.";
const WORST_ONLY = "A cell has what is worst and how often, and behind & what is worse that our lists alone know, which no request shows; where not all operations were compared, 0 says in how many; its title has the rest, and the version's panel all of it.";
const plainName = (target) => target.replace("recorded:", "");
/** Whether the page holds what a target's answers were compared with. */
const isBeside = (one) => data.targets.some((other) => other.target === one.against);
const effects = (changes) => Object.keys(EFFECT).map((effect) => [effect, changes.filter((one) => one.effect === effect)]).filter(([, some]) => some.length);
const arrow = (effect) => h("span", { class: `m ${effect}`, "aria-hidden": "true" }, EFFECT[effect][0]);

/** What was answered otherwise than by the version before it, worst first. */
function changed(changes, t) {
  return effects(changes).map(([effect, some]) => h("details", { open: effect === "worse" || some.some((one) => one.standing === "new") }, h("summary", {}, arrow(effect), ` ${some.length} ${EFFECT[effect][1]}`),
    h("ul", { class: "list small" }, some.map((one) => h("li", {}, one.standing === "new" ? mark("n") : "", h("div", {}, clauses.has(one.clause) ? chip(one.clause, t) : one.clause,
      h("div", { class: "mono" }, one.before, " → ", one.after), h("div", { class: "soft" }, `${one.personas.join(", ").replaceAll("_", " ")}${one.requests ? `: ${one.requests}` : one.of === "promise" ? "" : `, ${many(one.count, "time")}`}. `, one.standing === "new" ? "New: no reason is known. " : prose(one.reason || (one.standing === "unjudged" ? "No reason is listed." : "")))))))));
}

/** Of how many operations what is told is true, where some changed, and which were not compared, and why. */
function notCompared(one, t) {
  return [one.changes.length > 0 && one.apart.where && `Compared${one.apart.where}.`, ...one.apart.why].filter((line) => line).map((line) => h("p", { class: "small" }, linked(line, t)));
}

/** What our lists alone know to have become worse since the version before. */
const losses = (one) => (one.lists ? one.lists.told.filter(([effect]) => effect === "worse") : []);

/** What our lists know to have changed beside: first what is worse, which is counted apart; each names where it is known from. */
function byLists(t) {
  const one = data.targets[t];
  const worse = losses(one);
  const rest = one.lists.told.filter((each) => !worse.includes(each));
  const list = (some) => h("ul", { class: "list small" }, some.map(([, text]) => h("li", {}, h("div", {}, linked(text, t)))));
  return one.lists.told.length > 0 && [
    h("p", { class: "soft small" }, `${data.not_shown}:`),
    worse.length > 0 && h("details", { open: true }, h("summary", {}, arrow("worse"), ` ${one.lists.worse}`), list(worse)),
    rest.length > 0 && h("details", {}, h("summary", {}, worse.length ? `${rest.length} more` : many(rest.length, "change")), list(rest))];
}

function versionPanel(t, picked) {
  const one = data.targets[t];
  const other = picked === undefined ? t - 1 : picked;
  return [
    head(`Mattermost ${one.called}`, "", [verdictAndWhy(one), `: ${sentence(one)}`]),
    data.targets.length > 1 && pickOther(t, other),
    answeredSince(t, picked),
    other >= 0 && part(`Promises ${other < t ? "since" : "compared with"} ${data.targets[other].called}`, turned(t, other)),
    part("Not verified, and why", gapList(t)),
    part("How to repeat it", repeat(one)),
    part("Requests", h("p", {}, `${sum(one, 1)} judged, ${sum(one, 2)} of them valid and about something that exists, ${sum(one, 3)} of those served.`)),
  ];
}

function accessPanel(operation, persona, about, t) {
  const one = data.targets[t];
  const { letter, state, seen, says, against, reasons } = told(operation, persona, about, t);
  const clause = clauses.get(`${operation.id}.${ruleOf(persona)}`);
  const whose = about === "any" ? "" : ` about ${ABOUT[about]}`;
  const at = data.targets.map((_, i) => told(operation, persona, about, i));
  const both = letter === "b" && seen && seen.both && seen.both[t];
  const isLookedUp = letter in SIGN && state === "u" && seen && clause && !isJudged(persona);
  return [
    head(`${operation.id} by ${spaced(persona)}${whose}`, letter in SIGN ? (state in AS_DOCUMENTED ? state : "u") : letter === "u" ? "" : letter,
      `Mattermost ${one.called}: ${says}${isLookedUp ? `; documented: ${MAY[seen.documented[t]]}` : ""}`),
    h("p", { class: "soft small" }, `${persona}: ${data.personas[persona]}`),
    clause && part("Promise", quote(clause), h("div", { class: "small" }, `read as: ${operation.requirement}`), h("div", {}, chip(clause.id, t))),
    against.length && part("Not as documented", against.map((f) => exchange(f, f.at[t])), against.map((f) => f.at[t].card).filter((card) => card !== undefined).slice(0, 1).map((n) => h("p", {}, h("strong", {}, `${VERDICT[data.deviations[n].verdict][0]}: `), prose(data.deviations[n].reason)))),
    reasons.length > 0 && part("Not judged, because", h("ul", { class: "list small" }, reasons.map((reason) => h("li", {}, whySkipped(reason)))), data.bots.includes(persona) && h("p", { class: "small" }, data.of_bots)),
    seen && part("Answers to valid requests", h("table", { class: "data" }, h("tbody", {}, Object.entries(seen.answers[t]).map(([says, n]) => h("tr", {}, h("td", {}, h("span", { class: "mono" }, says), both && h("div", { class: "small" }, both.which[says])), h("td", { class: "n no-wrap" }, many(n, "time")))))),
      both && Object.values(both.which).some((which) => /\(answers? \d/.test(which)) && h("p", { class: "soft small" }, "“…” is a test by its name; of one that was answered in both ways it is told which of its answers these were, in their turn."),
      both && both.served !== null && !against.some((f) => f.at[t].exchange === both.served) && h("div", { class: "exchange" }, traffic("one that was served", data.exchanges[both.served])),
      both && both.calls.length > 0 && [h("p", { class: "small" }, "What was sent and answered, in a notebook (notebooks/6-explore.ipynb):"), h("pre", {}, both.calls.join("\n")), h("div", {}, button("Copy", () => copy(both.calls.join("\n"), "The calls are in the clipboard.")))]),
    part("Over the versions", h("ul", { class: "list small over" }, alike(at).map((span) => {
      const { class: kind, sign } = look(at[span.to]);
      return h("li", {}, h("span", { class: kind }, sign), h("span", {}, h("span", { class: "no-wrap" }, named(span)), ` ${at[span.to].says}`, at[span.to].against.map((finding) => h("div", { class: "mono soft" }, finding.signature))));
    })), h("div", {}, everyVersion(operation))),
  ];
}

/** What `open` names: a version (and another one, with which it is compared), an operation, a clause, or who about whose, each with a version. */
function drawPanel() {
  const panel = $("panel");
  const [what, versions = ""] = now.open.split(/@(.*)/s);
  const [version, beside] = versions.split("~");
  const t = number.get(version);
  const [operation, persona, about] = what.split(":");
  const make = t === undefined ? null
    : !what ? () => versionPanel(t, number.get(beside))
    : tagOf.has(what) ? () => tagPanel(tagOf.get(what), t)
    : clauses.has(what) ? () => clausePanel(clauses.get(what), t)
    : operations.has(what) ? () => operationPanel(operations.get(what), t)
    : operations.has(operation) && persona in data.personas && about in ABOUT ? () => accessPanel(operations.get(operation), persona, about, t)
    : null;
  panel.hidden = !make;
  panel.replaceChildren(...(make ? elements(make) : []));
  panel.scrollTop = 0;
}

// -- all of it ------------------------------------------------------------------------------------------------------

const link = (choice) => location.href.replace(/#.*$/s, "") + address(choice);

async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without the clipboard of a secure context there is still the old way.
    const area = h("textarea", { readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    if (!document.execCommand("copy")) said = "The browser does not let this page copy.";
    area.remove();
  }
  $("said").textContent = said;
  setTimeout(() => ($("said").textContent = ""), 2500);
}

/** How many versions are on the page, and records where there are more of these. */
function recordsHere() {
  const names = new Set(data.targets.map((one) => one.short));
  const all = `${many(names.size, "version")} from ${data.targets[0].short} on`;
  return names.size === data.targets.length ? all : `${data.targets.length} records of ${names.size > 1 ? all : `Mattermost ${data.targets[0].short}`}`;
}

function drawHead() {
  const newest = data.targets[NEWEST];
  const red = data.targets.filter((one) => !one.green);
  $("headline").replaceChildren(
    h("strong", {}, `Mattermost ${newest.called}: ${sentence(newest)}.`), " ",
    red.length ? h("span", { class: "red" }, `Red: ${red.map((one) => `${one.called} (${one.why_red.join(", ")})`).join("; ")}.`) : h("span", {}, LAST ? `${recordsHere()}, all ` : "", h("span", { class: "green" }, "green"), ": nothing is broken that is not known and explained."),
    h("span", { class: "soft" }, ` ${newest.target}, judged ${newest.started.slice(0, 10)}${newest.selection ? `, only ${newest.selection}` : ""}.`));
  $("views").replaceChildren(...Object.entries(VIEWS).map(([view, title]) => {
    const count = view === "deviations" ? ` (${seen(cards.filter(isCardShown))})` : "";
    return h("a", { href: address({ ...now, view, open: "" }), "aria-current": view === now.view && "page" }, title, count && h("span", { class: `tally${count.includes(",") ? " long" : ""}` }, count));
  }));
}

function drawWords() {
  $("words").replaceChildren(h("p", {}, `${data.made_by}. A promise is one testable sentence or schema of the documentation (sha256 ${data.spec.slice(0, 12)}), or our addition with its evidence. `,
    "Verified: kept, known or new; skipped and unobserved are not. No promise says which refusal somebody without the permission gets who asks for something invalid, or that does not exist; that is not judged. ", `Changed answers: ${CHANGED} ${WORST_ONLY} (`, Object.keys(EFFECT).map((effect, i) => `${i ? ", " : ""}${EFFECT[effect][0]} ${effect}`), ") ",
    "A run is green when nothing is new, in error or without an answer, no answer changed without a known reason, and nothing listed as known has gone away."));
}

/** What `make` makes; where that fails, that it did, since what stood there before is about something else. */
function elements(make) {
  try {
    return make().flat(Infinity).filter((one) => one);
  } catch (error) {
    reportError(error);
    return [h("p", { class: "none" }, `This cannot be drawn: ${error.message}`)];
  }
}

let drawn = "";
function draw() {
  now = read();
  const focus = document.activeElement && document.activeElement.closest("main") ? describe(document.activeElement) : null;
  drawHead();
  drawFilters();
  const shown = JSON.stringify({ ...now, unfolded: [...now.unfolded] });
  if (shown !== drawn) {
    $("main").replaceChildren(...elements({ tags, versions, personas, deviations, principles, trust }[now.view]));
    drawn = shown;
  }
  if (focus) {
    const again = [...$("main").querySelectorAll("button")].find((one) => describe(one) === focus);
    if (again) again.focus({ preventScroll: true });
  }
  drawPanel();
  const chosen = $("main").querySelector("[aria-current]");
  // Beside the panel there is less room: what was pressed would be out of sight.
  if (chosen) chosen.scrollIntoView({ block: "nearest", inline: focus === null ? "center" : "nearest" });
  const card = now.open.startsWith("card:") && document.getElementById(`card-${now.open.slice(5)}`);
  if (card) card.scrollIntoView({ block: "center" });
  document.title = `${VIEWS[now.view]}: Mattermost REST API v4, promises and servers`;
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  $("theme").textContent = `◐ ${theme || "system"}`;
}

addEventListener("popstate", draw);
addEventListener("hashchange", draw);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("panel").hidden) close();
  if (event.key === "/" && !/^(input|select|textarea)$/i.test(event.target.tagName)) {
    event.preventDefault();
    $("by-q").focus();
  }
});
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("to-main").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});
$("theme").addEventListener("click", () => setTheme({ undefined: "light", light: "dark" }[document.documentElement.dataset.theme]));
setTheme();
drawWords();
draw();
