/**
 * The page's script: it hears the parts that changed, and makes the document the same. Texts become text nodes; nothing
 * that it hears is ever read as HTML.
 */
export const script: string = `"use strict";
(() => {
  const live = document.getElementById("live");
  const pause = document.getElementById("pause");
  const svg = "http://www.w3.org/2000/svg";
  let source;
  let again;
  let isPaused = false;

  function make(markup, parent) {
    if (typeof markup === "string") return document.createTextNode(markup);
    const namespace = markup.tag === "svg" ? svg : parent.namespaceURI;
    const element = document.createElementNS(namespace, markup.tag);
    update(element, markup);
    return element;
  }

  function update(element, { attributes, children }) {
    for (const name of element.getAttributeNames()) {
      if (!(name in attributes)) element.removeAttribute(name);
    }
    for (const [name, value] of Object.entries(attributes)) {
      if (element.getAttribute(name) !== value) element.setAttribute(name, value);
    }
    const keyed = new Map(Array.from(element.children, (child) => [child.getAttribute("data-key"), child]));
    keyed.delete(null);
    children.forEach((child, i) => place(element, child, i, keyed));
    while (element.childNodes.length > children.length) element.lastChild.remove();
  }

  // The child that stands at this place: what is there, where it is of the same kind, or what had its key, or a new one.
  function place(element, child, i, keyed) {
    let there = element.childNodes[i];
    if (typeof child === "string") {
      if (there?.nodeType === Node.TEXT_NODE) {
        if (there.data !== child) there.data = child;
        return;
      }
    } else {
      const key = child.attributes["data-key"];
      const known = key === undefined ? there : keyed.get(key);
      if (known?.localName === child.tag && (known.getAttribute("data-key") ?? undefined) === key) {
        if (known !== there) element.insertBefore(known, there ?? null);
        update(known, child);
        return;
      }
    }
    element.insertBefore(make(child, element), there ?? null);
  }

  function hear(event) {
    for (const [id, markup] of Object.entries(JSON.parse(event.data))) {
      const element = document.getElementById(id);
      // Another process answers here by now.
      if (element === null) return location.reload();
      update(element, markup);
    }
    tell("live", "live");
  }

  function tell(text, look) {
    if (live.textContent !== text) live.textContent = text;
    live.className = look;
  }

  function open() {
    close();
    source = new EventSource("events");
    source.addEventListener("parts", hear);
    source.addEventListener("error", () => {
      tell("not live: what you see is old, and the process does not answer", "lost");
      // After a refusal the browser does not try again by itself.
      if (source.readyState === EventSource.CLOSED) again = window.setTimeout(open, 10000);
    });
  }

  function close() {
    window.clearTimeout(again);
    source?.close();
    source = undefined;
  }

  function follow() {
    if (isPaused || document.hidden) close();
    else open();
    pause.textContent = isPaused ? "Resume" : "Pause";
    if (isPaused) tell("paused", "paused");
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    follow();
  });
  document.addEventListener("visibilitychange", follow);
  tell("not live yet", "paused");
  follow();
})();
`;
