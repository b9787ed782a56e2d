/** Keeps the log lines of the show, which a service would write to its standard output. */
import { type Logger, pino } from 'pino';

export interface LogBook {
  /** Made by pino, at level `debug`, so that attempts are logged too. */
  readonly logger: Logger;
  /** Number of finished calls that were logged. */
  calls(): number;
  /** Every line of the call that was logged last with this many attempts. */
  linesOfCall(attempts: number): string[];
}

export function openLogBook(): LogBook {
  const lines: string[] = [];
  // Lines of attempts have the same fields, at level debug (20).
  const ofCalls = () => lines.filter((line) => line.includes('"attempts":') && !line.startsWith('{"level":20,'));
  return {
    logger: pino({ level: 'debug' }, { write: (line) => lines.push(line.trimEnd()) }),
    calls: () => ofCalls().length,
    linesOfCall: (attempts) => {
      const last = ofCalls().findLast((line) => line.includes(`"attempts":${attempts},`)) ?? '{}';
      const { request_id: id } = JSON.parse(last) as { request_id?: string };
      return lines.filter((line) => id !== undefined && line.includes(id));
    },
  };
}
