/** What became of each line of an Envoy file. */
import type { Position } from '../registry/file/document.js';

export type ReportStatus = 'exact' | 'difference' | 'unmapped' | 'warning';

export interface ReportLine extends Position {
  /**
   * `exact`: the same effect. `difference`: mapped, and `note` says what is not the same and why. `unmapped`: nothing was
   * made of it, and `note` says what to do. `warning`: the sidecar was weaker there than one thinks.
   */
  readonly status: ReportStatus;
  /** Path in Envoy's file: `static_resources.clusters[0].connect_timeout`. */
  readonly from: string;
  /** Path in the file of clients. */
  readonly to?: string;
  readonly note?: string;
}

const titles: readonly (readonly [ReportStatus, string, string])[] = [
  ['warning', 'weak spots of the sidecar', 'Where the sidecar was weaker than one thinks'],
  ['unmapped', 'not mapped', 'Not mapped'],
  ['difference', 'with a difference', 'Mapped with a difference'],
  ['exact', 'exact', 'Mapped exactly'],
];

/** As text: one line for each, the ones to think about first. */
export function formatReport(lines: readonly ReportLine[], file: string): string {
  const groups = titles.flatMap(([status, , title]) => {
    const group = lines.filter((line) => line.status === status);
    return group.length === 0 ? [] : [`${title}:`, ...group.map((line) => `  ${spelled(line, file)}`), ''];
  });
  const counts = titles.map(([status, short]) => `${lines.filter((line) => line.status === status).length} ${short}`);
  return `${[...groups, counts.join(', ')].join('\n')}\n`;
}

/** The place says where it is; of the path its end is enough to recognise it. */
function spelled({ line, column, from, to, note }: ReportLine, file: string): string {
  const end = from.split('.').slice(-3).join('.');
  const arrow = to === undefined ? end : `${end} -> ${to}`;
  return `${file}:${line}:${column} ${note === undefined ? arrow : `${arrow}: ${note}`}`;
}
