'use strict';

/**
 * Takes one out of a short list; false where it is not in there.
 *
 * What changes with every query is kept in such lists, not in Maps or Sets: V8 replaces the table of
 * one of these every few changes, and the old table points to the new one. Once a table is old
 * enough for the old generation, whatever all later ones have ever held survives until the next full
 * collection. Of short queries collections took a third of the CPU so.
 */
function takeOut(list, item) {
  const at = list.indexOf(item);
  if (at < 0) return false;
  takeAt(list, at);
  return true;
}

/** Without the list that splice makes of what it has taken out. */
function takeAt(list, at) {
  for (let next = at + 1; next < list.length; next++) list[next - 1] = list[next];
  list.pop();
}

module.exports = { takeAt, takeOut };
