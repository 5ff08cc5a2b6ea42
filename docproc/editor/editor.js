// The template editor: fields over the picture of a form. What is kept in `template` is what is saved; every change of
// it goes through `change`, so that it can be undone, and is checked by the server, which knows the rules.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const SMALLEST = 1; // mm, of a field's sides
const GAP = 0.3, SMALL = 2.4; // mm, between a field and its value; of a value that has no room
const LEAST_DRAWN = 2.5; // mm; less is a click
const CHANGED = 409; // the server's word for a file that somebody else has changed
const at = (id) => document.getElementById(id);

let template = null, digest = "", chosen = -1, drawing = false, saved = "", values = {}, zoom = 1;
let past = [], future = [], tries = 0, stale = false, stay = 0;

// --- talking to the server

async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(path, body === undefined ? {} : {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
    });
  } catch {
    throw new Error("docproc no longer answers: start `docproc template edit` again. What you changed is kept in this page; " +
      "leave it open, open the new address beside it, and copy what you need.");
  }
  const told = await answer.json();
  if (!answer.ok) {
    throw Object.assign(new Error([told.message, told.remedy].filter(Boolean).join(" ")), {fault: told.message, status: answer.status});
  }
  return told;
}

function say(text, kind = "") {
  at("status").textContent = text;
  at("status").className = kind;
}

// --- the template and its history

const copy = (value) => JSON.parse(JSON.stringify(value));
const field = () => template.fields[chosen];
const round = (mm) => Math.round(mm * 100) / 100;
const percent = (chance) => `${(Math.floor(1000 * Math.min(chance, 0.999) + 1e-6) / 10).toFixed(1)} %`; // as docproc.rounding

function change(act, {again = ""} = {}) {
  const before = JSON.stringify({template, chosen});
  act();
  if (JSON.stringify({template, chosen}) === before) return;
  const last = past[past.length - 1];
  // Steps of one drag, of one stay in an input, and arrows in quick succession are one change.
  if (!again || !last || last.again !== again || Date.now() - last.at > (again.startsWith("arrow") ? 800 : 1e9)) {
    past.push({state: before, again, at: Date.now()});
  } else last.at = Date.now();
  future = [];
  stale = true;
  show();
  check();
}

function step(from, to) {
  if (!from.length) return;
  to.push({state: JSON.stringify({template, chosen}), again: "", at: 0});
  ({template, chosen} = JSON.parse(from.pop().state));
  chosen = Math.min(chosen, template.fields.length - 1);
  stale = true;
  show();
  check();
}

let checking = 0, turn = 0; // an answer that comes after another question was asked is not shown
function check() {
  clearTimeout(checking);
  const own = ++turn;
  checking = setTimeout(async () => {
    try {
      if (!template.fields.length) throw new Error("A template needs at least one field.");
      const nameless = template.fields.findIndex((one) => !one.name.trim());
      if (nameless >= 0) throw new Error(`Field ${nameless + 1} of the list needs a name.`);
      await ask("check", {template: sent()});
      if (own !== turn) return;
      document.querySelectorAll(".faulty").forEach((one) => one.classList.remove("faulty"));
      say(isChanged() ? "Not saved yet." : "Saved.", isChanged() ? "" : "good");
    } catch (fault) {
      if (own !== turn) return;
      const name = /field '([^']+)'/.exec(fault.message);
      document.querySelectorAll(".field").forEach((one, place) =>
        one.classList.toggle("faulty", Boolean(name) && template.fields[place].name === name[1]));
      say((fault.fault || fault.message).replace(/^.*line \d+: /, ""), "fault"); // here no line of the file is meant
    }
  }, 200);
}

// What is checked, read and saved: all but what a field keeps for the case that it becomes a comb again.
const sent = () => ({...template, fields: template.fields.map(({kept, ...one}) => one)});
const isChanged = () => JSON.stringify(sent()) !== saved;

// --- the picture

function make(tag, attributes, parent) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

// As `Field.cell_boxes` has it.
function cells(one) {
  const [left, top, width, height] = one.box;
  const groups = one.groups && one.groups.length ? one.groups : [one.cells || 1];
  const gap = one.cell_gap_mm || 0, groupGap = one.group_gap_mm || 0, count = one.cells || 1;
  const cell = (width - (count - 1) * gap - (groups.length - 1) * groupGap) / count;
  const boxes = [];
  let x = left;
  for (const group of groups) {
    for (let number = 0; number < group; number++) { boxes.push([x, top, cell, height]); x += cell + gap; }
    x += groupGap;
  }
  return boxes;
}

function show() {
  const {width_mm: width, height_mm: height} = template.page;
  let svg = at("form").querySelector("svg");
  if (!svg) {
    svg = make("svg", {viewBox: `0 0 ${width} ${height}`}, at("form"));
    make("image", {width, height, preserveAspectRatio: "none"}, svg);
    svg.addEventListener("pointerdown", press);
    zoom = fitting();
  }
  svg.style.width = `${width * 4 * zoom}px`;
  svg.style.height = `${height * 4 * zoom}px`;
  svg.classList.toggle("drawing", drawing);
  const tried = Object.keys(values).length > 0, picture = tried ? `filled.png?${tries}` : "sheet.png";
  svg.classList.toggle("tried", tried);
  if (svg.firstChild.getAttribute("href") !== picture) svg.firstChild.setAttribute("href", picture);
  svg.querySelectorAll("g").forEach((group) => group.remove());
  const grip = Math.min(2 / zoom, 4); // of about eight pixels
  template.fields.forEach((one, place) => {
    const [left, top, w, h] = one.box;
    const group = make("g", {class: "field" + (place === chosen ? " chosen" : ""), "data-place": place}, svg);
    make("rect", {class: "body", x: left, y: top, width: w, height: h}, group);
    if (one.kind === "comb") for (const [x, , cell] of cells(one)) {
      for (const side of [x, x + cell]) make("line", {x1: side, x2: side, y1: top, y2: top + h}, group);
    }
    const read = values[one.name];
    if (!read) {
      const size = Math.min(h * 0.5, 3.2, 1.7 * w / Math.max(one.name.length, 1));
      make("text", {x: left + 0.4, y: top + h / 2 + size / 3, "font-size": size}, group).textContent = one.name;
    } else {
      make("title", {}, group).textContent =
        `${read.value || "blank"}: ${read.status}, ${percent(read.confidence)} sure ${read.reasons.join(", ")}`;
    }
    if (place === chosen) for (const [x, y, edges] of handles(one.box)) {
      make("rect", {class: "handle", x: x - grip / 2, y: y - grip / 2, width: grip, height: grip, "data-edges": edges}, group);
    }
  });
  const over = make("g", {}, svg); // the boxes, or their rules would strike out the values
  for (const one of template.fields) if (values[one.name]) {
    const read = values[one.name], shown = read.value || "blank";
    const [y, size] = besideInk(one.box, Math.min(3.4, 1.7 * one.box[2] / shown.length));
    make("text", {class: `value ${stale ? "stale" : read.status}`, x: one.box[0] + 0.4, y, "font-size": size}, over).textContent = shown;
  }
  showPanel();
}

// Baseline and size of a value where it hides no handwriting: below its field; above it at the sheet's end; and where
// another field is close below, as in a table, small and on the rule between them.
function besideInk(box, size) {
  const [left, top, width, height] = box, bottom = top + height, end = template.page.height_mm;
  if (bottom + GAP + SMALL > end) return [Math.max(top - GAP - 0.15 * size, size), size];
  const under = template.fields.map((one) => one.box).filter(([x, y, w]) =>
    y > top + height / 2 && x < left + width && x + w > left);
  const room = Math.min(end, ...under.map(([, y]) => y)) - bottom - GAP;
  if (room < SMALL) return [bottom + 0.36 * Math.min(size, SMALL), Math.min(size, SMALL)];
  size = Math.min(size, room);
  return [bottom + GAP + 0.85 * size, size];
}

const fitting = () => Math.max((at("form").clientWidth - 40) / (template.page.width_mm * 4), 0.2);

function fit() {
  zoom = fitting();
  show();
  reveal();
}

function handles([left, top, width, height]) {
  const right = left + width, bottom = top + height, x = left + width / 2, y = top + height / 2;
  return [[left, top, "lt"], [right, top, "rt"], [left, bottom, "lb"], [right, bottom, "rb"],
    [x, top, "t"], [x, bottom, "b"], [left, y, "l"], [right, y, "r"]];
}

function place(event) {
  const svg = at("form").querySelector("svg");
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  return [point.x, point.y];
}

function press(event) {
  if (event.button) return;
  event.preventDefault();
  at("form").focus({preventScroll: true});
  const [x, y] = place(event);
  const edges = event.target.dataset ? event.target.dataset.edges || "" : "";
  const group = event.target.closest("g.field");
  const move = String(Math.random()); // one drag is one change
  if (drawing) {
    drawing = false;
    change(() => {
      template.fields.push({name: freeName("field"), kind: "free", box: [round(x), round(y), SMALLEST, SMALLEST]});
      chosen = template.fields.length - 1;
    }, {again: move});
    drag("draw", field().box.slice(), x, y, move);
  } else if (group) {
    chosen = Number(group.dataset.place);
    show();
    drag(edges, field().box.slice(), x, y, move);
  } else {
    chosen = -1;
    show();
  }
}

function drag(edges, box, x, y, move) {
  const follow = (event) => {
    const [to, down] = place(event);
    change(() => { field().box = moved(box, edges, to - x, down - y); }, {again: move});
  };
  const stop = () => {
    removeEventListener("pointermove", follow);
    removeEventListener("pointerup", stop);
    if (edges === "draw" && Math.min(field().box[2], field().box[3]) < LEAST_DRAWN) {
      step(past, future);
      future = [];
      chosen = -1;
      show();
      clearTimeout(checking);
      turn++;
      say("Nothing was drawn: press New field again, then drag from corner to corner.");
    }
  };
  addEventListener("pointermove", follow);
  addEventListener("pointerup", stop);
}

function moved([left, top, width, height], edges, dx, dy) {
  const {width_mm: across, height_mm: down} = template.page;
  if (!edges) {
    return [round(Math.min(Math.max(left + dx, 0), across - width)),
      round(Math.min(Math.max(top + dy, 0), down - height)), width, height];
  }
  let right = left + width, bottom = top + height;
  if (edges === "draw") { // from where it began, to any side
    const [x, y] = [Math.min(Math.max(left + dx, 0), across), Math.min(Math.max(top + dy, 0), down)];
    return [round(Math.min(left, x)), round(Math.min(top, y)), round(Math.max(Math.abs(x - left), SMALLEST)),
      round(Math.max(Math.abs(y - top), SMALLEST))];
  }
  if (edges.includes("l")) left = Math.max(Math.min(left + dx, right - SMALLEST), 0);
  if (edges.includes("r")) right = Math.min(Math.max(right + dx, left + SMALLEST), across);
  if (edges.includes("t")) top = Math.max(Math.min(top + dy, bottom - SMALLEST), 0);
  if (edges.includes("b")) bottom = Math.min(Math.max(bottom + dy, top + SMALLEST), down);
  return [round(left), round(top), round(right - left), round(bottom - top)];
}

function freeName(stem) {
  const taken = new Set(template.fields.map((one) => one.name));
  const [, base, digits] = /^(.*?)(\d*)$/.exec(stem);
  for (let number = Number(digits || 0) + 1; ; number++) {
    const name = base + String(number).padStart(digits.length, "0");
    if (!taken.has(name)) return name;
  }
}

// --- the panel beside it

function showPanel() {
  at("field").hidden = chosen < 0;
  at("none").hidden = chosen >= 0;
  at("undo").disabled = !past.length;
  at("redo").disabled = !future.length;
  at("names").replaceChildren(...template.fields.map((one, number) => {
    const item = document.createElement("li");
    item.textContent = one.name;
    item.setAttribute("aria-current", number === chosen);
    item.addEventListener("click", () => { chosen = number; show(); reveal(); });
    return item;
  }));
  if (chosen < 0) return;
  const one = field(), rules = one.rules || {};
  const put = (id, value) => { if (document.activeElement !== at(id)) at(id).value = value === undefined || value === null ? "" : value; };
  put("name", one.name);
  put("kind", one.kind);
  put("cells", one.cells || 1);
  put("cell_gap_mm", one.cell_gap_mm || 0);
  put("groups", (one.groups || []).join(" "));
  put("group_gap_mm", one.group_gap_mm || 0);
  put("length", Array.isArray(one.length) ? one.length.join("-") : one.length);
  for (const box of ["required", "unique"]) at(box).checked = Boolean(one[box]);
  for (const rule of ["min", "max", "regex", "check_digit"]) put(rule, rules[rule]);
  ["left", "top", "width", "height"].forEach((side, number) => put(side, one.box[number]));
  const read = values[one.name];
  at("read-as").textContent = read ? `Read: ${read.value || "blank"}, ${percent(read.confidence)} sure` +
    (read.reasons.length ? `; ${read.reasons.join(", ")}` : "") + (stale ? " (before the last changes)" : "") : "";
  document.querySelectorAll("label.comb").forEach((label) => { label.hidden = one.kind !== "comb"; });
}

// What may be typed where a number alone is not enough, and what is said of anything else.
const FORMS = {
  length: [/^(\d+(\s*-\s*\d+)?)?$/, "Digits are a number like 4, or fewest and most like 1-6."],
  groups: [/^([1-9]\d*(\s+[1-9]\d*)*)?$/, "Groups are the boxes in each, like 3 3 4."],
};

function take(id, element) {
  const text = element.value.trim(), number = element.type === "number" && text !== "" ? Number(text) : null;
  if (FORMS[id] && !FORMS[id][0].test(text)) {
    clearTimeout(checking);
    turn++;
    return say(FORMS[id][1], "fault");
  }
  if (element.type === "number" && text === "" && !["min", "max"].includes(id)) return;
  if (["width", "height"].includes(id) && number < 0.1) return;
  change(() => {
    const one = field();
    const sides = ["left", "top", "width", "height"];
    if (id === "name") one.name = text;
    else if (id === "kind") become(one, text);
    else if (element.type === "checkbox") one[id] = element.checked;
    else if (sides.includes(id)) { if (number !== null) one.box[sides.indexOf(id)] = number; }
    else if (id === "length") {
      const parts = text.split(/\D+/).filter(Boolean).map(Number);
      if (!parts.length) delete one.length;
      else one.length = parts.length > 1 ? parts.slice(0, 2) : parts[0];
    } else if (id === "groups") {
      one.groups = text.split(/\D+/).filter(Boolean).map(Number);
      if (one.groups.length) one.cells = one.groups.reduce((sum, size) => sum + size);
    } else if (["min", "max", "regex", "check_digit"].includes(id)) {
      const rules = {...(one.rules || {})};
      if (text === "") delete rules[id];
      else rules[id] = element.type === "number" ? number : text;
      one.rules = rules;
    } else if (number !== null) {
      one[id] = number;
      if (id === "cells" && one.groups && one.groups.reduce((sum, size) => sum + size, 0) !== number) delete one.groups;
    }
  }, {again: element.tagName === "SELECT" ? "" : `${id} ${chosen} ${stay}`});
}

const OF_COMBS = ["cells", "cell_gap_mm", "groups", "group_gap_mm"];

function become(one, kind) {
  if (one.kind === "comb") {
    one.kept = {};
    for (const key of OF_COMBS) if (key in one) { one.kept[key] = one[key]; delete one[key]; }
  } else if (kind === "comb") {
    Object.assign(one, one.kept);
    delete one.kept;
  }
  one.kind = kind;
}

function question(words, first, second, proposed, most = 1000) {
  at("first").max = most;
  at("question").textContent = words;
  at("first-word").textContent = first;
  at("second-word").textContent = second || "";
  at("second-label").hidden = !second;
  at("first").value = proposed[0];
  at("second").value = second ? proposed[1] : "";
  at("ask").showModal();
  at("first").select();
  return new Promise((answered) => { // submit and cancel come before the next key, close may come after it
    const done = (answer) => { answered(answer); setTimeout(() => at("form").focus({preventScroll: true})); };
    at("ask").firstElementChild.onsubmit = (event) =>
      done(event.submitter.value ? [Number(at("first").value), Number(at("second").value)] : null);
    at("ask").oncancel = () => done(null);
  });
}

async function split() {
  if (chosen < 0) return;
  const [, , width, height] = field().box;
  const answer = await question("Split this field into boxes, one digit each.", "Boxes", "", [Math.max(Math.round(width / (0.75 * height)), 2)], 64);
  if (answer && answer[0] >= 1) change(() => Object.assign(field(), {kind: "comb", cells: answer[0], groups: [], group_gap_mm: 0}));
}

async function repeat() {
  if (chosen < 0) return;
  const [, top, , height] = field().box;
  const most = Math.max(Math.floor((template.page.height_mm - top - height) / height), 1);
  const answer = await question("Repeat this field down a table.", "How many more", "Distance from row to row, mm", [most, height]);
  if (!answer) return;
  change(() => {
    const original = copy(field());
    delete original.was;
    for (let row = 1; row <= answer[0]; row++) {
      const one = copy(original);
      one.box[1] = round(top + row * answer[1]);
      if (one.box[1] + height > template.page.height_mm) break;
      one.name = freeName(template.fields[chosen + row - 1].name);
      template.fields.splice(chosen + row, 0, one);
    }
  });
}

function remove() {
  if (chosen < 0) return;
  change(() => { template.fields.splice(chosen, 1); chosen = Math.min(chosen, template.fields.length - 1); });
}

function reveal() {
  const shown = at("form").querySelector("g.chosen rect.body");
  if (shown) shown.scrollIntoView({block: "nearest", inline: "nearest"});
}

async function save() {
  clearTimeout(checking);
  turn++;
  try {
    say("Saving ...");
    ({digest} = await ask("save", {template: sent(), digest}));
    for (const one of template.fields) one.was = one.name;
    saved = JSON.stringify(sent());
    at("copy").hidden = true;
    say(`Saved: ${template.fields.length} fields.`, "good");
  } catch (fault) {
    say(fault.message, "fault");
    if (fault.status === CHANGED) {
      at("copy").hidden = false;
      at("copy").focus();
    }
  }
}

// What is here is kept beside a file that somebody else has changed; the page stays with that file.
async function saveCopy() {
  clearTimeout(checking);
  turn++;
  try {
    say("Saving a copy ...");
    const {file} = await ask("save-copy", {template: sent(), digest});
    saved = JSON.stringify(sent());
    at("copy").hidden = true;
    at("form").focus();
    say(`Saved as ${file}. Reload this page to see what the other has saved as ${document.title}.`, "good");
  } catch (fault) {
    say(fault.message, "fault");
  }
}

async function read() {
  if (!at("pages").options.length) return say("Name filled pages behind the template when you start the editor.", "fault");
  try {
    say("Reading ...");
    const told = await ask("read", {template: sent(), page: Number(at("pages").value)});
    values = told.reasons.length ? {} : told.fields;
    stale = false;
    tries++;
    show();
    const all = Object.values(values), sure = all.filter((one) => one.status === "accepted").length;
    say(told.reasons.length ? `This page was not read: ${told.detail || told.reasons.join(", ")}.` :
      sure === all.length ? `All ${sure} fields are sure.` :
        `${sure} of ${all.length} fields are sure; orange ones would go to review. Choose one to see why.`, told.reasons.length ? "fault" : "good");
  } catch (fault) {
    say(fault.message, "fault");
  }
}

function enlarge(factor) {
  zoom = Math.min(Math.max(zoom * factor, 0.1), 8);
  show();
  reveal();
}

// --- keys

const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

function key(event) {
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "s") { event.preventDefault(); return save(); }
  if (at("ask").open) return;
  if (event.key === "Escape" && drawing) { drawing = false; show(); return check(); }
  const typing = event.target.closest("input, select");
  if (event.key === "Escape" && typing) { event.preventDefault(); return at("form").focus(); }
  if (typing) {
    if (event.key === "Enter") { event.preventDefault(); at("form").focus(); }
    return;
  }
  if (command && event.key.toLowerCase() === "z") { event.preventDefault(); return event.shiftKey ? step(future, past) : step(past, future); }
  if (command && event.key.toLowerCase() === "y") { event.preventDefault(); return step(future, past); }
  if (command || event.target.closest("button, summary")) return;
  const act = {
    Enter: () => chosen >= 0 && (at("name").focus(), at("name").select()),
    Escape: () => { if (chosen < 0) values = {}; chosen = -1; show(); }, // twice: back to the blank sheet
    Delete: remove, Backspace: remove, c: split, d: repeat, t: read,
    n: () => at("add").click(), 0: fit, "+": () => enlarge(1.25), "-": () => enlarge(0.8),
  }[event.key];
  if (act) { event.preventDefault(); return act(); }
  if (event.key === "Tab" && event.target === at("form") && template.fields.length) {
    const next = chosen + (event.shiftKey ? -1 : 1);
    if (next < 0 || next >= template.fields.length) return; // on to the buttons, as on any page
    event.preventDefault();
    chosen = next;
    show();
    return reveal();
  }
  const arrow = ARROWS[event.key];
  if (arrow && chosen >= 0) {
    event.preventDefault();
    const [dx, dy] = arrow.map((way) => way * (event.shiftKey ? 2 : 0.2));
    change(() => { field().box = moved(field().box, event.altKey ? "rb" : "", dx, dy); }, {again: `arrow ${chosen}`});
  }
}

// --- beginning

async function begin() {
  at("undo").addEventListener("click", () => step(past, future));
  at("redo").addEventListener("click", () => step(future, past));
  at("add").addEventListener("click", () => {
    drawing = !drawing;
    show();
    if (drawing) say("Drag on the form, from corner to corner. Escape leaves it.");
    else check();
  });
  at("zoom-in").addEventListener("click", () => enlarge(1.25));
  at("zoom-out").addEventListener("click", () => enlarge(0.8));
  at("split").addEventListener("click", split);
  at("repeat").addEventListener("click", repeat);
  at("delete").addEventListener("click", remove);
  at("save").addEventListener("click", save);
  at("copy").addEventListener("click", saveCopy);
  at("try").addEventListener("click", read);
  at("field").addEventListener("submit", (event) => event.preventDefault());
  at("field").addEventListener("input", (event) => take(event.target.id, event.target));
  at("field").addEventListener("focusin", () => { stay++; });
  at("field").addEventListener("focusout", () => setTimeout(() => { if (template) showPanel(); })); // what was not taken goes
  addEventListener("keydown", key);
  addEventListener("resize", () => { if (template && at("form").scrollWidth > at("form").clientWidth + 60) fit(); });
  addEventListener("beforeunload", (event) => { if (template && isChanged()) event.preventDefault(); });
  try {
    const told = await ask("template");
    ({template, digest} = told);
    for (const one of template.fields) { one.was = one.name; if (Array.isArray(one.groups) && !one.groups.length) delete one.groups; }
    saved = JSON.stringify(sent());
    at("file").textContent = document.title = told.file;
    told.pages.forEach((name, number) => at("pages").append(new Option(name, number)));
    at("pages").parentElement.hidden = at("try").hidden = !told.pages.length;
    show();
    check();
    at("form").focus();
    const sheet = await fetch("sheet.png");
    if (!sheet.ok) {
      turn++;
      clearTimeout(checking);
      const why = await sheet.json();
      say(`${why.message} ${why.remedy}`, "fault");
    }
  } catch (fault) {
    say(fault.message, "fault");
  }
}

begin();
