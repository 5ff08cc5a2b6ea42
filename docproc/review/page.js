"use strict";
// A page as a whole: its picture, zoomed and moved by keys, and its values, typed where nothing was read on it.

const ZOOMS = [0, 1, 1.5, 2, 3];  // of the picture's width to the space for it; 0: all of it is in sight

let pictured = "";     // the page whose picture stands in place of a field's
let asWhole = null;    // whether it was shown last for the page itself, or for one of its values
let zoomed = 0;
let choosing = false;  // which of several forms it is

const onPage = () => Boolean(here()?.whole || here()?.on_page);  // nobody knows where the field lies
const pageOfKey = (key) => name(key.slice(0, 2));

// -- the picture

async function showWhole(item) {
  const page = pageOfKey(item.key);
  if (pictured !== page) {
    const told = await pageOf(item);
    if (!told) return;
    pictured = page;
    asWhole = null;
    $("crop").src = told.picture;
    $("crop").alt = "The whole page";
    $("crop").hidden = false;
  }
  if (asWhole === item.whole) return;  // it stays where it is: who types goes down the page
  asWhole = item.whole;
  zoom(asWhole ? 0 : 1);
  $("picture").scrollTo(0, 0);
}

function zoom(to) {
  zoomed = Math.min(Math.max(to, 0), ZOOMS.length - 1);
  const box = $("picture"), middle = (from, seen, all) => (from + seen / 2) / all;
  const x = middle(box.scrollLeft, box.clientWidth, box.scrollWidth), y = middle(box.scrollTop, box.clientHeight, box.scrollHeight);
  box.classList.toggle("fits", !ZOOMS[zoomed]);
  $("crop").style.setProperty("--zoom", ZOOMS[zoomed]);
  box.scrollTo(x * box.scrollWidth - box.clientWidth / 2, y * box.scrollHeight - box.clientHeight / 2);
}

function move(right, down) {
  const box = $("picture");
  box.scrollBy(right * box.clientWidth / 4, down * box.clientHeight / 4);
}

function enlarge(isLarge = !$("item").classList.contains("large")) {
  $("item").classList.toggle("large", isLarge);
}

const LOOK = {
  "+": () => zoom(zoomed + 1),
  "=": () => zoom(zoomed + 1),  // the same key without Shift
  "-": () => zoom(zoomed - 1),
  ArrowUp: () => move(0, -1),
  ArrowDown: () => move(0, 1),
  ArrowLeft: () => move(-1, 0),
  ArrowRight: () => move(1, 0),
};

// -- its values

function wordsOfPage({ forms, copy }) {
  if (choosing) return typed ?? `Which form is it? Its number: 1 to ${forms.length}`;
  if (copy) return "Enter: count it, too · ?: leave it out · p: larger";
  return `Enter: seen · ?: unreadable · p: larger${forms.length ? " · v: type its values" : ""}`;
}

const saidOfPage = ({ copy }, verdict) => verdict === "rejected" ? (copy ? "left out" : "unreadable") : copy ? "counted, too" : "seen";

function beginValues() {
  const { forms } = here() ?? {};
  if (forms?.length === 1) typeValues(forms[0]);
  else if (forms?.length) choose(!choosing);
}

function choose(begins) {
  choosing = begins;
  typed = null;
  enlarge(false);
  showCandidates(here());
  showValue();
  say([wordsOfPage(here()), ...(begins ? here().forms.map((form, index) => `${index + 1}: ${form}`) : [])].join(". "));
}

function numbered(isAll) {  // what is typed is the number of a form, and all of it, or no longer number is one
  const { forms } = here(), number = Number(typed);
  if (number < 1 || number > forms.length) typed = null;
  else if (isAll || 10 * number > forms.length) return typeValues(forms[number - 1]);
  showValue();
}

function typeValues(form) {  // the form's fields come in place of the page
  const item = here();
  answered.push(item);
  turnTo({ path: "/say", item, body: { value: form, verdict: "accepted" } }, `Page: its values as ${form}`);
}

function toPage() {  // from its values
  const item = { key: [...here().key.slice(0, 2), ""], after: here().page_after };
  if (answered.length && name(answered.at(-1).key) === name(item.key)) answered.pop();
  turnTo({ path: "/take-back", item, body: {}, isWanted: true }, "Page: taken back; what was typed of it is kept");
}

function turnTo(answer, words) {  // what is ahead others may have: what comes next, the server says
  turn += 1;
  ahead = [];
  pending.push(answer);
  $("last").textContent = words;
  show();
  send();
}

const isAtFirstValue = () => {
  const last = answered.at(-1);
  return Boolean(here()?.page_after) && (!last || last.whole || pageOfKey(last.key) !== pageOfKey(here().key));
};
