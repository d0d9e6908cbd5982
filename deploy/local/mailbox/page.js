// The mailbox's page: a list that keeps itself fresh, and the mail that was chosen.
"use strict";

const POLL_MILLISECONDS = 2000;
const PAGE = 50;
const TABS = ["html", "text", "headers", "raw"];
const at = (id) => document.getElementById(id);
const encoded = encodeURIComponent;

let shown = PAGE;
let seen = "";

function element(tag, text, name) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

const person = ({ Name, Address }) => (Name ? `${Name} <${Address}>` : Address);
const people = (list) => list.map(person).join(", ");
const chosen = () => decodeURIComponent(location.hash.slice(1));

function when(instant) {
  const date = new Date(instant);
  const today = date.toDateString() === new Date().toDateString();
  const style = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return date.toLocaleString(undefined, style);
}

function size(bytes) {
  return bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
}

function row(mail) {
  const link = document.createElement("a");
  link.href = `#${encoded(mail.ID)}`;
  if (!mail.Read) link.className = "unread";
  if (mail.ID === chosen()) link.setAttribute("aria-current", "true");
  link.append(
    element("span", people([...mail.To, ...mail.Bcc]) || "nobody", "to"),
    element("span", when(mail.Created), "when"),
    element("span", mail.Subject || "(no subject)", "subject"),
    element("span", mail.Snippet || "\u00a0", "snippet"),
  );
  const item = document.createElement("li");
  item.append(link);
  return item;
}

async function refresh() {
  const query = at("search").elements.query.value;
  const answer = await fetch(`/api/v1/search?limit=${shown}&query=${encoded(query)}`);
  const found = await answer.json();
  const now = JSON.stringify([found, chosen()]);
  if (now === seen) return;
  seen = now;
  const focused = document.activeElement?.hash;
  at("list").replaceChildren(...found.messages.map(row));
  if (focused) [...at("list").querySelectorAll("a")].find((link) => link.hash === focused)?.focus();
  at("empty").hidden = found.total > 0;
  at("more").hidden = found.messages_count <= shown;
  at("count").textContent = `${found.unread} unread of ${found.total}`;
  document.title = found.unread ? `(${found.unread}) Mailbox` : "Mailbox";
}

async function keepFresh() {
  try {
    if (!document.hidden) await refresh();
  } catch {
    at("count").textContent = "The mailbox doesn't answer; trying again …";
    seen = "";
  }
  setTimeout(keepFresh, POLL_MILLISECONDS);
}

function heading(mail) {
  const lines = [["From", person(mail.From)], ["To", people(mail.To)], ["Cc", people(mail.Cc)], ["Bcc", people(mail.Bcc)], ["Reply to", people(mail.ReplyTo)], ["Date", new Date(mail.Date).toLocaleString(undefined, { dateStyle: "full", timeStyle: "medium" })]];
  const written = lines.filter(([, value]) => value);
  at("heading").replaceChildren(...written.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function files(mail) {
  const items = mail.Attachments.map((file) => {
    const link = element("a", `${file.FileName} · ${size(file.Size)}`);
    link.href = `/api/v1/message/${encoded(mail.ID)}/part/${encoded(file.PartID)}`;
    const item = document.createElement("li");
    item.append(link);
    return item;
  });
  at("files").replaceChildren(...items);
  at("files").hidden = !items.length;
}

function choose(tab) {
  for (const each of TABS) {
    const selected = each === tab;
    at(`tab-${each}`).setAttribute("aria-selected", selected);
    at(`tab-${each}`).tabIndex = selected ? 0 : -1;
    at(`as-${each}`).hidden = !selected;
  }
}

async function open() {
  const id = chosen();
  document.body.classList.toggle("reading", Boolean(id));
  at("mail").hidden = !id;
  at("nothing").hidden = Boolean(id);
  if (!id) return refresh();
  const path = `/api/v1/message/${encoded(id)}`;
  const answers = await Promise.all(["", "/headers", "/raw"].map((part) => fetch(path + part)));
  if (!answers[0].ok) return void (location.hash = "");
  const mail = await answers[0].json();
  const headers = await answers[1].json();
  at("subject").textContent = mail.Subject || "(no subject)";
  heading(mail);
  files(mail);
  at("as-html").src = mail.HTML ? `/view/${encoded(id)}.html` : "about:blank";
  at("as-text").textContent = mail.Text || "This mail has no text part.";
  at("as-headers").textContent = Object.entries(headers).flatMap(([name, values]) => values.map((value) => `${name}: ${value}`)).join("\n");
  at("as-raw").textContent = await answers[2].text();
  at("tab-html").disabled = !mail.HTML;
  choose(mail.HTML ? "html" : "text");
  await refresh();
}

for (const tab of TABS) at(`tab-${tab}`).addEventListener("click", () => choose(tab));
at("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const usable = TABS.filter((tab) => !at(`tab-${tab}`).disabled);
  const now = usable.findIndex((tab) => at(`tab-${tab}`).getAttribute("aria-selected") === "true");
  const next = usable.at((now + step) % usable.length);
  choose(next);
  at(`tab-${next}`).focus();
});
at("list").addEventListener("keydown", (event) => {
  const item = document.activeElement.closest("li");
  const next = { ArrowDown: item?.nextElementSibling, ArrowUp: item?.previousElementSibling }[event.key];
  if (!next) return;
  event.preventDefault();
  next.firstElementChild.focus();
});
at("search").addEventListener("submit", (event) => event.preventDefault());
at("search").addEventListener("input", () => { shown = PAGE; refresh(); });
at("more").addEventListener("click", () => { shown += PAGE; refresh(); });
at("back").addEventListener("click", () => { location.hash = ""; });
at("delete-all").addEventListener("click", async () => {
  if (!confirm("Delete every mail in this mailbox?")) return;
  await fetch("/api/v1/messages", { method: "DELETE" });
  location.hash = "";
  await open();
});
addEventListener("hashchange", open);

open();
keepFresh();
