/** The page docs/envoy.md, made of the rows of a run. */

/** `200 cases: 180 same, 15 intended, 5 known, 0 different`. */
export function summaryOf(rows) {
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
  const counts = ['same', 'intended', 'known', 'different'].map((verdict) => `${count(verdict)} ${verdict}`);
  return `${rows.length} cases: ${counts.join(', ')}`;
}

export function page(rows) {
  return `${summaryOf(rows)}\n`;
}
