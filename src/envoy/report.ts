/** The report on an Envoy file: for each part, whether and how it was mapped. */
import type { Position } from '../registry/file/document.js';

export type ReportStatus = 'exact' | 'difference' | 'unmapped' | 'warning' | 'error';

export interface ReportLine extends Position {
  /**
   * `exact`: mapped with the same effect. `difference`: mapped, and `note` explains the difference. `unmapped`: not
   * mapped, and `note` says what to do instead. `warning`: a weakness of the sidecar's configuration that is easily
   * overlooked. `error`: a part that Envoy refuses, or that cannot be mapped without a loss of protection; no client is
   * made of the cluster or route that holds it.
   */
  readonly status: ReportStatus;
  /** Path in Envoy's file: `static_resources.clusters[0].connect_timeout`. */
  readonly from: string;
  /** Path of the option in the configuration file made from it. */
  readonly to?: string;
  readonly note?: string;
}

const titles: readonly (readonly [ReportStatus, string, string])[] = [
  ['error', 'errors', 'Errors; no client was made of these'],
  ['warning', 'weaknesses of the sidecar', "Weaknesses of the sidecar's configuration"],
  ['unmapped', 'not mapped', 'Not mapped'],
  ['difference', 'with a difference', 'Mapped with a difference'],
  ['exact', 'exact', 'Mapped exactly'],
];

/** The report as text: a line for each part, grouped by status, with the lines that need attention first. */
export function formatReport(lines: readonly ReportLine[], file: string): string {
  const groups = titles.flatMap(([status, , title]) => {
    const group = lines.filter((line) => line.status === status);
    return group.length === 0 ? [] : [`${title}:`, ...together(group, file), ''];
  });
  const counts = titles.map(([status, many]) => {
    const count = lines.filter((line) => line.status === status).length;
    return `${count} ${count === 1 ? many.replace(/^(error|weakness)(es|s)/, '$1') : many}`;
  });
  return `${[...groups, counts.join(', ')].join('\n')}\n`;
}

/** A note that several lines share is written once, with their places below it. */
function together(group: readonly ReportLine[], file: string): string[] {
  const shared = new Map<string, ReportLine[]>();
  for (const [index, line] of group.entries()) {
    const key = line.note ?? String(index);
    shared.set(key, [...(shared.get(key) ?? []), line]);
  }
  return [...shared.values()].flatMap(([first, ...others]) => [
    `  ${spelled(first as ReportLine, file)}`,
    ...others.map((line) => `    also ${spelled({ ...line, note: undefined }, file)}`),
  ]);
}

/** Shows only the last three keys of the path, since file, line and column already locate it. */
function spelled(
  { line, column, from, to, note }: Omit<ReportLine, 'note'> & { note?: string | undefined },
  file: string,
): string {
  const end = from.split('.').slice(-3).join('.');
  const arrow = to === undefined ? end : `${end} -> ${to}`;
  return `${file}:${line}:${column} ${note === undefined ? arrow : `${arrow}: ${note}`}`;
}
