/** The interface of a logger, and the pino logger that is used where none is given. */
import { pino } from 'pino';

/** A method of a logger: fields first, then the message, as in pino. */
export type LogMethod = (fields: object, message: string) => void;

/** Any logger of pino's shape. */
export interface Logger {
  /** Lines about attempts. */
  debug: LogMethod;
  /** Lines about calls answered with a status below 400. */
  info: LogMethod;
  /** Lines about calls answered with 4xx, and about events that an operator should look at. */
  warn: LogMethod;
  /** Lines about calls answered with 5xx, or not answered. */
  error: LogMethod;
  /** Called before a log line is built, if the logger has it; false skips the line. */
  isLevelEnabled?(level: string): boolean;
}

let shared: Logger | undefined;

const levels = [...Object.keys(pino.levels.values), 'silent'];

/**
 * One pino logger to stdout, shared by all clients of this process that were given none. Its level is `LOG_LEVEL`, else
 * `info`. An unknown level means `info` and a warning: a mistyped variable must not keep a service from starting.
 */
export function defaultLogger(): Logger {
  shared ??= loggerOf(process.env.LOG_LEVEL);
  return shared;
}

function loggerOf(variable = ''): Logger {
  const level = variable.trim().toLowerCase() || 'info';
  if (levels.includes(level)) return pino({ level });
  const logger = pino({ level: 'info' });
  logger.warn({ known: levels }, 'the environment variable LOG_LEVEL holds no known level, so info is used');
  return logger;
}
