// What pages do by themselves; every one of them works without it, too.
(() => {
  // Live: an event of the stream becomes an event of the page, to which regions that
  // show such things answer by fetching themselves anew (hx-trigger).
  const NOUNS = ["ticket", "invoice", "payment", "service", "credit"];
  const tell = (name) => document.body.dispatchEvent(new CustomEvent(`live-${name}`));
  const status = () => document.getElementById("live-status");

  let stream = null;
  const listen = (address) => {
    stream = new EventSource(address);
    for (const name of document.body.dataset.liveEvents.split(" ")) {
      stream.addEventListener(name, (message) => tell(message.type.split(".")[1]));
    }
    stream.addEventListener("reset", () => NOUNS.forEach(tell));
    stream.onerror = () => {
      // The browser tries again by itself unless the answer was a refusal.
      if (stream?.readyState === EventSource.CLOSED) setTimeout(listenAgain, 30000);
    };
  };
  const listenAgain = () => {
    if (document.hidden || stream?.readyState === EventSource.OPEN) return;
    listen(document.body.dataset.live);
    NOUNS.forEach(tell);
  };
  // Browsers allow few connections to one host: a page that nobody sees gives its own
  // back, and catches up when it is looked at again.
  const followVisibility = () => {
    if (document.hidden) {
      stream?.close();
      stream = null;
    } else if (stream === null) {
      listenAgain();
    }
  };

  // A form is sent once, however often its button is pressed.
  const PATIENCE = 15000;
  const hold = (form, submitter) => {
    form.setAttribute("aria-busy", "true");
    (submitter ?? form.querySelector("[type=submit]"))?.classList.add("btn-loading");
    // An upload takes its time; anything else may be tried again, which is no second time.
    if (form.enctype !== "multipart/form-data") setTimeout(release, PATIENCE);
  };
  const release = () => {
    for (const form of document.querySelectorAll("form[aria-busy]")) {
      form.removeAttribute("aria-busy");
      form.querySelectorAll(".btn-loading").forEach((b) => b.classList.remove("btn-loading"));
    }
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.hasAttribute("aria-busy")) event.preventDefault();
    else hold(form, event.submitter);
    rememberKey(form);
  });
  addEventListener("pageshow", release);
  addEventListener("keydown", (event) => event.key === "Escape" && release());

  // What is still being worked on is asked for again: the form's key makes it no repeat.
  const LOOK_AGAIN = 2000;
  const unfinished = document.querySelector("form[data-look-again]");
  if (unfinished) setTimeout(() => unfinished.requestSubmit(), LOOK_AGAIN);

  // Whoever goes back finds what they typed, in a page that is fetched anew. The form's
  // key comes back with it: sent as it is, it leads to what it made the first time. This
  // is for forms that make something (data-once), not for buttons to be pressed again.
  const keys = () => history.state?.keys ?? {};
  const keyOf = (form) => form.querySelector("input[name=_key]");
  const rememberKey = (form) => {
    const field = keyOf(form);
    if (!field || !form.hasAttribute("data-once")) return;
    const state = { ...history.state, keys: { ...keys(), [form.action]: field.value } };
    history.replaceState(state, "");
  };
  if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") {
    for (const form of document.querySelectorAll("form[data-once]")) {
      const key = keys()[form.action];
      if (key && keyOf(form)) keyOf(form).value = key;
    }
  }

  // Menus close when something else is pressed, or with Escape.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(except)) menu.removeAttribute("open");
    }
  };
  document.addEventListener("click", (event) => closeMenus(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = event.target.closest?.("details[data-menu][open]");
    closeMenus(null);
    open?.querySelector("summary").focus();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("copied");
    status().textContent = button.dataset.copied;
    setTimeout(() => button.classList.remove("copied"), 2000);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
  });
  // A region that is led elsewhere, as to the log-in, stays as it is.
  document.addEventListener("htmx:before:response", (event) => {
    if (event.detail?.ctx?.response?.raw?.redirected) event.preventDefault();
  });
  document.addEventListener("htmx:after:swap", (event) => {
    // A refusal leaves the page as it is: there is nothing to tell.
    if (event.detail?.ctx?.swap === "none") return;
    if (document.body.dataset.updated) status().textContent = document.body.dataset.updated;
  });

  for (const field of document.querySelectorAll("[data-time-zone]")) {
    field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  }

  // Only with scripts do these make sense.
  document.documentElement.classList.add("scripted");
  if (document.body.dataset.live) {
    if (!document.hidden) listen(document.body.dataset.live);
    document.addEventListener("visibilitychange", followVisibility);
    addEventListener("pagehide", () => stream?.close());
    addEventListener("pageshow", (event) => event.persisted && listenAgain());
  }
})();
