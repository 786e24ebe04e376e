// Reading cells: a cheap sum inside the measured loop and a full digest outside it.
//
// Every peer runs the same code over the same shapes, so the reading costs all of them alike. The
// sum touches a character of each text, because an engine may hand out texts it has not built yet.
import { createHash } from 'node:crypto';

const text = (value) =>
  value === null ? 7 : value.length * 31 + (value.charCodeAt(value.length >> 1) | 0);

export const SUMS = {
  user: (row) => row.id + text(row.name) + text(row.email) + (row.active ? 1 : 2),

  person: (row) =>
    row.id +
    text(row.name) +
    (row.active ? 1 : 2) +
    row.score * 4 +
    text(row.city) +
    row.created.getTime(),

  wide(row) {
    let sum = row.id + text(row.amount) + text(row.key) + text(row.note) + text(row.title);
    sum += row.doc.n + text(row.doc.name) + row.doc.list.length + (row.doc.ok ? 1 : 2);
    sum += row.at.getTime() + (row.seen === null ? 3 : row.seen.getTime());
    for (let i = 0; i < row.marks.length; i += 1) sum += row.marks[i];
    for (let i = 0; i < row.tags.length; i += 1) sum += text(row.tags[i]);
    const body = row.body;
    for (let i = 0; i < body.length; i += 1) sum += body[i];
    return sum;
  },

  document(row) {
    let sum = row.id + text(row.amount) + text(row.code) + text(row.note) + text(row.title);
    sum += row.doc.n + text(row.doc.name) + row.doc.list.length + row.doc.ok;
    sum += row.at.getTime() + (row.seen === null ? 3 : row.seen.getTime());
    const body = row.body;
    for (let i = 0; i < body.length; i += 1) sum += body[i];
    return sum;
  },

  page: (row) => row.id + text(row.body),
};

export function sumRows(rows, sumRow) {
  let sum = 0;
  for (let i = 0; i < rows.length; i += 1) sum += sumRow(rows[i]);
  return sum;
}

function writeCell(hash, value) {
  if (value === null || value === undefined) hash.update(`${value};`);
  else if (value instanceof Date) hash.update(`date ${value.getTime()};`);
  else if (value instanceof Uint8Array) hash.update('bytes ').update(value).update(';');
  else if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    hash.update('[');
    for (const item of value) writeCell(hash, item);
    hash.update(']');
  } else if (typeof value === 'object') {
    for (const key of Object.keys(value).sort()) {
      hash.update(`${key}:`);
      writeCell(hash, value[key]);
    }
  } else hash.update(`${typeof value} ${value};`);
}

/** Names, JavaScript types and contents of all cells, as one short text that peers must share. */
export function digestRows(rows) {
  const hash = createHash('sha256');
  for (const row of rows) {
    for (const name of Object.keys(row)) {
      hash.update(`${name}=`);
      writeCell(hash, row[name]);
    }
    hash.update('\n');
  }
  return `${rows.length} rows ${hash.digest('hex').slice(0, 16)}`;
}
