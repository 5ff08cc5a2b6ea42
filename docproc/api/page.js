"use strict";
// The page that people see: one upload, and what was read of it. It holds the token as long as it is open, nowhere else.

const at = (id) => document.getElementById(id);
const headers = () => ({ Authorization: `Bearer ${at("token").value}` });

for (const here of document.querySelectorAll(".here")) here.textContent = location.origin;

function tell(words, isBad) {
  at("told").textContent = words;
  at("told").className = isBad ? "bad" : "";
}

async function ask(path, options) {
  const answer = await fetch(path, { headers: headers(), ...options });
  const content = await answer.json();
  if (!answer.ok) throw new Error(`${content.detail} ${content.remedy}`);
  return content;
}

at("token").addEventListener("change", async () => {
  try {
    const { templates } = await ask("/v1/templates");
    at("template").replaceChildren(at("template").options[0], ...templates.map(({ name }) => new Option(name)));
    tell("");
  } catch (error) {
    tell(error.message, true);
  }
});

at("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = at("try").querySelector("button");
  const form = new FormData();
  form.append("template", at("template").value);
  form.append("file", at("file").files[0]);
  button.disabled = true;
  at("pages").replaceChildren();
  at("whole").hidden = true;
  tell("Reading …");
  try {
    show(await ask("/v1/read", { method: "POST", body: form }));
  } catch (error) {
    tell(error.message, true);
  }
  button.disabled = false;
});

function show(content) {
  tell(content.errors.map(({ error, remedy }) => `${error} ${remedy}`).join(" "), true);
  at("pages").replaceChildren(...content.pages.flatMap(sheet));
  at("answer").textContent = JSON.stringify(content, null, 2);
  at("whole").hidden = false;
}

function sheet(page) {
  const heading = cell("h3", `${page.source}, page ${page.page}: ${page.template || "no template"}, `);
  heading.append(cell("span", page.status, page.status));
  if (page.reasons.length) heading.append(` (${page.reasons.join(", ")}) ${page.detail}`);
  const table = document.createElement("table");
  const head = document.createElement("tr");
  head.append(...["Field", "Value", "Confidence", "Status", "Reasons"].map((name) => cell("th", name)));
  table.append(head);
  for (const [name, field] of Object.entries(page.fields)) {
    const row = document.createElement("tr");
    row.append(
      cell("td", name),
      cell("td", field.value, "value"),
      cell("td", (Math.floor(1e4 * field.confidence + 1e-6) / 1e4).toFixed(4), "chance"),
      cell("td", field.status, field.status),
      cell("td", field.reasons.join(", ")),
    );
    table.append(row);
  }
  return [heading, table];
}

function cell(kind, text, name = "") {
  const made = document.createElement(kind);
  made.textContent = text;
  made.className = name;
  return made;
}
