// Small helpers on the document: text only ever enters as text.

export function element(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function dress(node, className) {
  if (node.className !== className) node.className = className;
}

/** As many children as wanted, made when missing, removed when over. */
export function rows(list, count, make) {
  while (list.children.length < count) list.append(make());
  while (list.children.length > count) list.lastElementChild.remove();
  return [...list.children];
}

const NARROWEST = 0.6; // below that nobody reads it from afar

/** Narrows a text to its box, so that it is read whole. */
export function fit(node) {
  const box = getComputedStyle(node.parentElement);
  const width = node.parentElement.clientWidth - parseFloat(box.paddingLeft) - parseFloat(box.paddingRight);
  node.style.transform = node.offsetWidth > width ? `scaleX(${Math.max(NARROWEST, width / node.offsetWidth)})` : "";
}

/** How many rows of this height find room in a list. */
export function room(list, rowHeight) {
  const gap = parseFloat(getComputedStyle(list).rowGap) || 0;
  return Math.max(1, Math.floor((list.clientHeight + gap) / (rowHeight + gap)));
}
