// Writes the page's language over what Streamlit's own widgets say, which is English only.
//
// The texts keep their places in the document: React compares with what it wrote last and never
// looks, so that nothing is lost when a widget is drawn anew. What was English is remembered, for
// another language may be chosen.
(({ words, templates }) => {
  const here = (window.widgetWords ??= { english: new WeakMap(), observer: null });
  here.templates = templates.map(([english, told]) => [new RegExp(english), told]);
  here.words = new Map(Object.entries(words));

  const NAMES = ["aria-label", "title", "placeholder", "data-title"];
  // What is ours has its language already; a tooltip of Streamlit's is told in the same way as ours.
  const OURS = "[data-testid='stMarkdownContainer']";
  const TOOLTIP = "[data-testid='stTooltipContent']";
  // A class may be called "None": a single word that is chosen from others is somebody's own.
  const CHOICE = "[role='option'], [role='combobox'], [data-testid='stSelectbox'], [data-testid='stMultiSelect']";
  const FAULT = "Error:";
  const DATA = "code, pre, table, script, style, svg";

  const translated = (english) => {
    const bare = english.trim();
    const exact = here.words.get(bare);
    if (exact) return english.replace(bare, exact);
    const [fault, ...rest] = bare.split(FAULT);
    if (!fault && here.words.has(FAULT)) return `${here.words.get(FAULT)} ${translated(rest.join(FAULT).trim())}`;
    for (const [pattern, told] of here.templates)
      if (pattern.test(bare)) return bare.replace(pattern, told);
    return english;
  };

  const told = (place, name, now) => {
    const kept = here.english.get(place)?.[name];
    const english = kept?.told === now ? kept.english : now;
    const said = translated(english);
    if (said !== now) here.english.set(place, { ...here.english.get(place), [name]: { english, told: said } });
    return said;
  };

  const isChoice = (element, words) => !/\s/.test(words.trim()) && element.closest(CHOICE);

  const tellText = (node) => {
    const parent = node.parentElement;
    if (!node.data.trim() || !parent || parent.closest(DATA)) return;
    if (parent.closest(OURS) && !parent.closest(TOOLTIP)) return;
    if (isChoice(parent, node.data)) return;
    const said = told(node, "text", node.data);
    if (said !== node.data) node.data = said;
  };

  const tellNames = (element) => {
    for (const name of NAMES) {
      const now = element.getAttribute(name);
      if (!now || isChoice(element, now)) continue;
      const said = told(element, name, now);
      if (said !== now) element.setAttribute(name, said);
    }
  };

  const tell = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return tellText(node);
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    const walk = document.createTreeWalker(node, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let one = node; one; one = walk.nextNode())
      one.nodeType === Node.TEXT_NODE ? tellText(one) : tellNames(one);
  };

  here.observer?.disconnect();
  here.observer = new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "attributes") tellNames(change.target);
      else if (change.type === "characterData") tellText(change.target);
      else change.addedNodes.forEach(tell);
    }
  });
  tell(document.body);
  here.observer.observe(document.body, {
    attributeFilter: NAMES, childList: true, characterData: true, subtree: true,
  });
})(SPOKEN);
