"use strict";
// All characters that were accepted as one digit, a screen at a time; a click sends the field of an odd one to review.

const AT_ONCE = 3;  // pages whose pictures are asked for at the same time
const $ = (id) => document.getElementById(id);

let counts = {};
let aScreen = 1;
let digit = "0";
let first = 0;
let screens = new Map();  // of this digit, by the first one: promises of tiles
let queue = [];           // what pictures are still to be asked for
let asking = 0;
let starter = "";         // who began the review

async function post(path, body = {}) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return { status: answer.status, ...await answer.json() };
}

async function asked(path, body) {  // null where there is no answer: said already
  const told = await post(path, body).catch(() => ({ status: 0, message: "docproc does not answer. Was it ended?", remedy: "" }));
  if (told.status === 200) return told;
  trouble(`${told.message} ${told.remedy}`);
  return null;
}

function trouble(words) {
  $("trouble").textContent = words;
  $("trouble").hidden = !words;
}

function say(words) {
  $("spoken").textContent = words;
}

// -- digits and screens

function showDigits() {
  $("digits").replaceChildren(...Object.entries(counts).map(([one, count]) => {
    const button = document.createElement("button");
    const many = document.createElement("small");
    many.textContent = count.toLocaleString("en");
    button.append(`${one} `, many);
    button.disabled = !count;
    if (one === digit) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => go(one, 0));
    return button;
  }));
}

function tilesFrom(start) {
  if (!screens.has(start)) {
    screens.set(start, asked("/mosaic/screen", { digit, first: start }).then((told) => {
      if (!told) screens.delete(start);
      return told && told.tiles;
    }));
  }
  return screens.get(start);
}

async function go(which, start) {
  if (!counts[which] || start < 0 || start >= counts[which]) return;
  if (which !== digit) screens = new Map();
  [digit, first] = [which, start];
  const last = Math.min(start + aScreen, counts[digit]);
  const of = counts[digit].toLocaleString("en");
  $("title").textContent = `Read as ${digit}: ${(start + 1).toLocaleString("en")} to ${last.toLocaleString("en")} of ${of}`;
  $("hint").hidden = false;
  $("about").textContent = "";
  showDigits();
  const tiles = await tilesFrom(start);
  if (!tiles || which !== digit || start !== first) return;
  trouble("");
  $("tiles").replaceChildren(...tiles.map(shown));
  queue = [];
  askPictures(tiles);
  $("tiles").querySelector("button:not(:disabled)")?.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  say(`${$("title").textContent}.`);
  if (last < counts[digit]) {
    const next = await tilesFrom(last);
    if (next && which === digit && start === first) askPictures(next);
  }
}

// -- tiles

function shown(tile) {
  if (!tile.button) {
    const [source, index, field] = tile.key;
    const chance = `${Math.min(Math.floor(1000 * tile.chance) / 10, 99.9).toFixed(1)} %`;
    const page = index ? `${source}, page ${index + 1}` : source;
    const before = tile.value.slice(0, tile.digit), after = tile.value.slice(tile.digit + 1);
    tile.words = `${field}: ${before}[${digit}]${after} · ${chance} · ${page}`;
    tile.button = document.createElement("button");
    tile.button.setAttribute("aria-label", `${digit}, ${chance}, in ${field}, ${tile.value.split("").join(" ")}, ${page}`);
    tile.button.title = tile.words;
    tile.button.disabled = tile.is_seen;
    tile.button.addEventListener("click", () => turn(tile));
    tile.button.addEventListener("focus", () => { $("about").textContent = tile.words; });
    tile.button.addEventListener("mouseenter", () => { $("about").textContent = tile.words; });
  }
  tile.button.setAttribute("aria-pressed", tile.is_doubted);
  if (tile.picture !== undefined) showPicture(tile);
  return tile.button;
}

function showPicture(tile) {
  const made = document.createElement(tile.picture ? "img" : "span");
  if (tile.picture) [made.src, made.alt] = [tile.picture, ""];
  else [made.textContent, made.className] = ["no picture", "none"];
  tile.button.replaceChildren(made);
}

async function turn(tile) {
  const withdrawn = tile.is_doubted;
  const told = await asked("/mosaic/doubt", { who: $("who").value || "somebody", key: tile.key, withdrawn });
  if (!told) return;
  trouble("");
  const all = await Promise.all([...screens.values()]);
  for (const one of all.flatMap((tiles) => tiles || [])) {  // a field's other digits are on screen, too
    if (one.key.join("\u0000") !== tile.key.join("\u0000")) continue;
    one.is_doubted = !withdrawn;
    if (one.button) shown(one);
  }
  const words = `${tile.key[2]}: ${withdrawn ? "accepted as before" : "to review"}`;
  $("last").textContent = words;
  $("tables").textContent = `${told.left.toLocaleString("en")} to look at`;
  say(words);
}

// -- pictures, a page at a time: it is decoded once

function askPictures(tiles) {
  const pages = new Map();
  for (const tile of tiles.filter((one) => one.picture === undefined)) {
    const page = tile.key.slice(0, 2).join("\u0000");
    pages.set(page, [...(pages.get(page) || []), tile]);
  }
  queue.push(...pages.values());
  while (asking < AT_ONCE && queue.length) askNext();
}

async function askNext() {
  const own = queue.shift();
  asking += 1;
  const [source, index] = own[0].key;
  const told = await asked("/mosaic/pictures", { source, index, places: own.map((tile) => [tile.key[2], tile.position]) });
  own.forEach((tile, at) => {
    tile.picture = told ? told.pictures[at] : "";
    if (tile.button) showPicture(tile);
  });
  asking -= 1;
  if (queue.length) askNext();
}

// -- keys

function columns() {
  const tops = [...$("tiles").children].map((one) => one.offsetTop);
  const inFirst = tops.findIndex((top) => top !== tops[0]);
  return inFirst < 0 ? tops.length : inFirst;
}

function move(by) {
  const buttons = [...$("tiles").children];
  for (let at = buttons.indexOf(document.activeElement) + by; at >= 0 && at < buttons.length; at += Math.sign(by)) {
    if (!buttons[at].disabled) return buttons[at].focus();
  }
}

const COMMANDS = {
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  ArrowUp: () => move(-columns()),
  ArrowDown: () => move(columns()),
  n: () => go(digit, first + aScreen),
  b: () => go(digit, first - aScreen),
  PageDown: () => go(digit, first + aScreen),
  PageUp: () => go(digit, first - aScreen),
  Escape: () => { location.href = "/"; },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === $("who")) return;
  if (/^[0-9]$/.test(event.key)) go(event.key, 0);
  else if (event.key in COMMANDS) COMMANDS[event.key]();
  else return;
  event.preventDefault();
});

$("who").addEventListener("change", () => {
  if ($("who").value.trim()) localStorage.setItem("who", $("who").value);
  else $("who").value = localStorage.getItem("who") || starter;
});

(async () => {
  const start = await (await fetch("/start")).json();
  $("folder").textContent = start.folder;
  document.title = `${start.folder}: mosaic`;
  starter = start.who;
  $("who").value = localStorage.getItem("who") || starter;
  const told = await asked("/mosaic/counts");
  if (!told) return;
  counts = told.counts;
  aScreen = told.a_screen;
  const some = Object.keys(counts).find((one) => counts[one]);
  if (some === undefined) {
    $("title").textContent = "No digit was accepted that nobody has seen.";
    return showDigits();
  }
  await go(some, 0);
})();
