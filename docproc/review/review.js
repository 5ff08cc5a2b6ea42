"use strict";
// One field a screen. What is answered is shown as answered at once and sent in order; the next fields are here already.

const RETRY_MS = 2000, HEARTBEAT_MS = 30000, IDLE_MS = 3000, QUIET_MS = 400, CHECK_MS = 500;
const $ = (id) => document.getElementById(id);
const reviewer = crypto.randomUUID();  // of this page: fields are lent to it

let ahead = [];        // what this page holds; the first is on screen
let typed = null;      // what stands in place of the value that was read; null: nothing
let answered = [];     // what can be taken back, the last one last
let pending = [];      // answers that the server has not confirmed, in order
let sending = false;
let shown = null;
let others = "";      // what is said where others have the rest
let left = 1;          // in the whole review
let wary = false;      // a field has come while nothing was on screen: what is being typed is not meant for it
let lastKey = -QUIET_MS;
let starter = "";      // who began the review
let turn = 0;          // of what was said: what comes from before the last turn is stale
let doubted = null;    // the value on screen that was warned of: who gives it once more means it
let held = null;       // keys that came while a value is being checked: they are for what comes then

const name = (key) => key.join("\u0000");
const here = () => ahead[0];
const untouched = () => here().keyed && typed === null;  // who keys says what is there: Enter alone says nothing

async function post(path, body = {}, more = {}) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ reviewer, who: $("who").value || "somebody", known: known(), ...body }), ...more });
  const told = await answer.json();
  return { status: answer.status, ...told };
}

const known = () => [...new Set([...ahead, ...pending.filter((one) => !one.isWanted).map((one) => one.item)])].slice(0, 50).map((item) => item.key);

function trouble(words) {
  $("trouble").textContent = words;
  $("trouble").hidden = !words;
}

// -- answers

async function give(value) {  // what is no longer what was read, unless docproc knows a rule that it breaks
  const item = here();
  if (doubted === value) return answer(value);
  held = [];
  const told = await post("/check", { key: item.key, value }, { signal: AbortSignal.timeout(CHECK_MS) }).catch(() => ({}));
  const keys = held;
  held = null;
  if (item !== here()) return;
  if (told.broken?.length) return warn(value, told.broken);
  answer(value);
  while (keys.length && !held) press(keys.shift());
  held?.push(...keys);
}

function warn(value, broken) {
  if ($("text").hidden) typed = value;
  doubted = value;
  wary = true;  // who types on without a look has not seen it
  showValue();
  const words = [...broken, "Enter keeps it all the same."];
  $("warning").replaceChildren(...words.map((one) => element("li", one)));
  say(words.join(" "));
}

function answer(value, verdict = "accepted") {
  const item = here();
  if (!item) return;
  turn += 1;
  ahead.shift();
  answered.push(item);
  pending.push({ path: "/say", item, body: { value: item.whole ? "" : value, verdict } });
  const words = item.whole ? saidOfPage(item, verdict) : valueInWords(value, verdict);
  item.said = words;
  item.given = verdict === "rejected" ? null : value;
  $("last").textContent = `${item.key[2] || "Page"}: ${words}`;
  show();
  send();
}

function takeBack() {
  if (choosing) return choose(false);
  if (isAtFirstValue()) return toPage();
  const item = answered.pop();
  if (!item) return say("There is nothing to take back.");
  turn += 1;
  ahead.unshift(item);
  pending.push({ path: "/take-back", item, body: {} });
  $("last").textContent = `${item.key[2] || "Page"}: taken back`;
  show();
  send();
}

async function send() {
  if (sending) return;
  sending = true;
  while (pending.length) {
    const { path, item, body } = pending[0];
    let told;
    try {
      told = await post(path, { key: item.key, after: item.after, ...body });
    } catch {
      told = null;
    }
    if (!told || told.status >= 500) {
      trouble(`Not kept yet: ${pending.length}. docproc does not answer; this page goes on trying. Do not close it.`);
      await new Promise((done) => setTimeout(done, RETRY_MS));
      continue;
    }
    if (told.status === 403) {
      trouble("The review was ended. Start it again, and open the new address: what was not kept is asked again.");
      break;
    }
    pending.shift();
    trouble(told.status === 200 ? "" : `${told.message} ${told.remedy}`);
    if ("after" in told) item.after = told.after;
    if (told.status !== 200) drop(item);
    if (path === "/take-back" && !item.key[2]) ahead = ahead.filter((one) => one === item || !(one.page_after || item.copy) || pageOfKey(one.key) !== pageOfKey(item.key));
    receive(told);
  }
  sending = false;
}

function drop(item) {  // others have settled it, or it is no more
  ahead = ahead.filter((one) => one !== item);
  answered = answered.filter((one) => one !== item);
  if (shown === item) show();
  if (!ahead.length) take();
}

// -- what comes

async function take() {
  const asked = turn;
  try {
    const told = await post("/take");
    if (asked !== turn || pending.length) return;
    if (told.status === 403) return trouble(told.message);
    trouble("");
    receive(told);
  } catch {
    trouble("docproc does not answer. Was it ended? This page goes on asking.");
  }
}

function receive(told) {
  if (told.items) {
    const here = new Set(known().map(name));
    ahead.push(...told.items.filter((item) => !here.has(name(item.key))));
  }
  if (told.progress) progress(told.progress);
  if (told.items && (here() !== shown || !here())) show();
}

function progress(told) {
  const { done, seconds_left, people, tables } = told;
  left = told.left;
  others = told.others;
  const share = left + done ? Math.floor(100 * done / (left + done)) : 100;
  $("bar").firstElementChild.style.width = `${share}%`;
  $("bar").setAttribute("aria-valuenow", share);
  const parts = [`${left.toLocaleString("en")} left of ${(left + done).toLocaleString("en")}`];
  if (left && seconds_left !== null) parts.push(seconds_left < 60 ? "under a minute" : `about ${duration(seconds_left)}`);
  if (people > 1) parts.push(`${people} people`);
  $("progress").textContent = parts.join(" · ");
  $("tables").textContent = tables ? `Tables: ${tables}` : "";
}

function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// -- the screen

function show() {
  const item = here();
  wary ||= Boolean(item) && !shown;
  shown = item;
  typed = doubted = null;
  choosing = false;
  if (!onPage()) enlarge(false);
  hidePage();
  leaveText();
  $("item").hidden = !item;
  $("nothing").hidden = Boolean(item);
  if (!item) return showNothing();
  const [source, , field] = item.key;
  $("where").textContent = item.page > 1 ? `${source}, page ${item.page}` : source;
  $("name").textContent = item.whole ? "The page as a whole" : field;
  $("crop").hidden = !item.crop && !(onPage() && pictured === pageOfKey(item.key));
  $("no-crop").hidden = Boolean(item.crop) || onPage();
  $("item").classList.toggle("paged", onPage());
  $("key-v").hidden = !item.forms?.length;
  $("key-look").hidden = !onPage();
  if (onPage()) showWhole(item);
  if (item.crop) {
    pictured = "";
    $("crop").src = item.crop;
    $("crop").alt = `Picture of ${field}`;
  }
  showCandidates(item);
  $("reasons").replaceChildren(...[...item.reasons, item.detail].filter(Boolean).map((words) => element("li", words)));
  showValue();
  speak(item);
}

function showCandidates(item) {
  const forms = choosing ? item.forms.map((form, index) => [String(index + 1), form, ""]) : [];
  const values = (item.candidates || []).map(({ value, chance, verdict, words }, index) =>
    [`⇧${index + 1}`, valueInWords(value, verdict), inWords({ chance, words })]);
  $("candidates").setAttribute("aria-label", choosing ? "Forms" : "Likely values");
  $("candidates").replaceChildren(...[...forms, ...values].map(([key, value, words]) => {
    const line = element("li");
    line.addEventListener("click", () => held || (choosing ? typeValues(item.forms[key - 1]) : choice(key.slice(1))));
    line.append(element("kbd", key), element("b", value), element("small", words));
    return line;
  }));
}

function valueInWords(value, verdict) {
  return verdict === "rejected" ? "unreadable" : value || "blank";
}

function showNothing() {
  const words = pending.length ? "One moment." : left ? others : "Nothing is left to look at.";
  if ($("done").textContent === words) return;
  $("done").textContent = words;
  say(words);
}

const ASKED = { blind: "Type what is written", third: "Choose, or type what is written", page: "Type what is written" };

function showValue() {
  const item = here();
  if (doubted === null) $("warning").replaceChildren();
  const value = $("text").hidden ? typed ?? item.value ?? "" : $("text").value.trim();
  $("value").textContent = item.whole ? wordsOfPage(item) : ASKED[untouched() && item.keyed] ?? (value || "blank");
  $("value").className = item.whole || !value ? "words" : typed === null ? "" : "typed";
  $("sums").replaceChildren(...(item.sums || []).map((sum) => shownSum(sum, item, untouched() ? null : value)));
  $("standing").textContent = item.said ? `taken back; you had said ${item.said}` : "";
}

// -- the rules that the field stands in, added up as they stand and with what is typed

function shownSum(sum, item, typing) {
  const terms = sum.terms.map((term) => ({ ...term, value: standing(term, item, typing), here: term.field === item.key[2] }));
  const line = element("li", `${sum.rule}: `);
  line.append(...side(terms, 1, sum.constant), ` ${SIGNS[sum.operator]} `, ...side(terms, -1, -sum.constant));
  line.append(` · ${fit(terms, sum)}`);
  return line;
}

function standing(term, item, typing) {  // answers of this page count before the server has them in what it sent ahead
  if (term.field === item.key[2]) return typing;
  const [source, index] = item.key;
  const own = answered.findLast((one) => one.key[0] === source && one.key[1] === index && one.key[2] === term.field);
  return own ? own.given : term.value;
}

const SIGNS = { "==": "=", "<=": "≤", ">=": "≥", "<": "<", ">": ">" };
const HOLDS = { "==": (n) => n === 0, "<=": (n) => n <= 0, ">=": (n) => n >= 0, "<": (n) => n < 0, ">": (n) => n > 0 };

function side(terms, sign, constant) {  // of the comparison: what counts positively stands left, the rest right
  const parts = terms.filter(({ weight }) => weight * sign > 0).map((term) => {
    const words = (Math.abs(term.weight) > 1 ? `${Math.abs(term.weight)} × ` : "") + (term.value ?? "?" ) || "blank";
    const part = element(term.here ? "b" : "span", words);
    part.title = term.field;
    return part;
  });
  if (constant > 0 || !parts.length) parts.push(String(Math.max(constant, 0)));
  return parts.flatMap((part, index) => index ? [" + ", part] : [part]);
}

function fit(terms, sum) {
  const unknown = terms.filter(({ value, alone }) => value === null || (value === "" && alone) || !/^\d*$/.test(value));
  if (unknown.length) return `open: ${unknown.map(({ field }) => field).join(", ")}`;
  const off = terms.reduce((total, { weight, value }) => total + weight * Number(value), sum.constant);
  return HOLDS[sum.operator](off) ? "fits" : sum.operator === "==" ? `differs by ${Math.abs(off)}` : "does not fit";
}

function speak(item) {
  const what = item.whole ? `Page ${item.page} of ${item.key[0]}. ${wordsOfPage(item)}` :
    item.keyed ? `${item.key[2]}: ${ASKED[item.keyed]}` :
    `${item.key[2]}: ${spelled(item.value)}, ${inWords(item.candidates[0])}`;
  const others = (item.candidates || []).map(({ value, verdict, words }, index) =>
    `${index + 1}: ${verdict === "rejected" ? "unreadable" : spelled(value)}${words ? `, ${words}` : ""}`).slice(item.keyed ? 0 : 1);
  say([what, ...item.reasons, item.detail, ...others].filter(Boolean).map((words) => words.replace(/[^.]$/, "$&.")).join(" "));
}

const spelled = (value) => value ? [...value].join(" ") : "blank";
const inWords = ({ chance, words }) => words ?? percent(chance);
const percent = (chance) => chance < 0.01 ? "< 1 %" : `${Math.min(Math.floor(100 * chance + 1e-6), 99)} %`;  // as docproc.rounding

function say(words) {
  $("spoken").textContent = words;
}

function element(kind, words = "") {
  const made = document.createElement(kind);
  made.textContent = words;
  return made;
}

// -- the page that the field is on

async function pageOf(item) {  // nothing where there is none, or something else is on screen when it comes
  const gone = { status: 0, message: "docproc does not answer.", remedy: "" };
  const told = await post("/page", { key: item.key }).catch(() => gone);
  if (item !== here()) return null;
  if (told.status === 200) return told;
  trouble(`${told.message} ${told.remedy}`);
  return null;
}

async function showPage() {
  const told = here() && await pageOf(here());
  if (!told) return;
  $("page").src = told.picture;
  await $("page").decode();
  $("context").hidden = false;
  $("context").scrollTop = told.middle * $("page").height - $("context").clientHeight / 2;
}

function hidePage() {
  $("context").hidden = true;
  $("page").removeAttribute("src");
}

// -- text, for codes and what else is no number

function enterText() {
  if (!here() || here().whole) return;
  $("value").hidden = true;
  $("text").value = typed ?? here().value;
  $("text").hidden = false;
  $("text").select();
  $("text").focus();
}

function leaveText() {
  $("value").hidden = false;
  $("text").hidden = true;
  $("screen").focus();
}

// -- keys

const COMMANDS = {
  b: () => here() && !here().whole && give(""),
  "?": () => choosing || answer("", "rejected"),
  u: takeBack,
  p: () => onPage() ? choosing || enlarge() : $("context").hidden ? showPage() : hidePage(),
  t: enterText,
  m: () => { if (!$("to-mosaic").hidden) location.href = "mosaic.html"; },
  v: beginValues,
  Enter: () => {
    if (choosing) numbered(true);
    else if (here() && !untouched()) typed === null ? answer(here().value ?? "") : give(typed);
  },
  Escape: () => {
    if (choosing) choose(false);
    else if (!$("context").hidden) hidePage();
    else if (here()) type(null);
  },
  Backspace: () => {
    if (choosing) type((typed ?? "").slice(0, -1) || null);
    else if (here() && !here().whole) type((typed ?? here().value).slice(0, -1));
  },
};

function choice(number) {
  const chosen = here()?.candidates?.[number - 1];
  if (chosen?.verdict === "rejected") answer("", "rejected");
  else if (chosen) give(chosen.value);
}

function type(value) {
  typed = value;
  doubted = null;
  showValue();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (!held || document.activeElement === $("who")) return press(event);
  held.push(event);
  event.preventDefault();
});

function press(event) {
  const focus = document.activeElement;
  if (focus === $("who")) {
    if (event.key === "Enter" || event.key === "Escape") $("screen").focus();
    return;
  }
  const isQuiet = event.timeStamp - lastKey >= QUIET_MS;
  lastKey = event.timeStamp;
  wary &&= !isQuiet;
  if (wary) return event.preventDefault();
  if (focus === $("text")) {
    if (event.key === "Enter" && !event.repeat && ($("text").value.trim() || !here().keyed)) give($("text").value.trim());
    else if (event.key === "Escape") leaveText();
    return;
  }
  const digit = /^Digit([1-5])$/.exec(event.code);
  if (/^[0-9]$/.test(event.key)) {
    if (!here() || (here().whole && !choosing)) return;
    type((doubted === null ? typed ?? "" : "") + event.key);
    if (choosing) numbered(false);
  } else if (event.key in LOOK && onPage()) {
    LOOK[event.key]();
  } else if (event.key in COMMANDS) {
    if (event.repeat && event.key !== "Backspace") return;  // a key that is held must not answer field after field
    COMMANDS[event.key]();
  } else if (digit && !event.repeat) {
    choice(digit[1]);  // the key of a digit that gives none: by Shift, or on French ones without
  } else {
    return;
  }
  event.preventDefault();
}

$("text").addEventListener("input", () => { doubted = null; showValue(); });

$("who").addEventListener("change", () => {
  if ($("who").value.trim()) localStorage.setItem("who", $("who").value);
  else $("who").value = localStorage.getItem("who") || starter;  // every answer is somebody's
});
window.addEventListener("beforeunload", (event) => { if (pending.length) event.preventDefault(); });
// As JSON: of plain text Firefox keeps the origin to itself under our referrer policy, and the server would not believe it.
window.addEventListener("pagehide", () => {
  navigator.sendBeacon("/leave", new Blob([JSON.stringify({ reviewer })], { type: "application/json" }));
});
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) take(); });
setInterval(() => { if (!document.hidden) take(); }, HEARTBEAT_MS);
setInterval(() => { if (!document.hidden && !here() && !pending.length) take(); }, IDLE_MS);

(async () => {
  const { folder, who, mosaic } = await (await fetch("/start")).json();
  $("to-mosaic").hidden = !mosaic;
  $("folder").textContent = folder;
  document.title = `${folder}: review`;
  starter = who;
  $("who").value = localStorage.getItem("who") || who;
  $("screen").focus();
  await take();
})();
