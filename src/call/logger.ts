/** The interface of a logger, and the pino logger that is used where none is given. */
import { type DestinationStream, pino } from 'pino';
import { processWide } from './process-wide.js';

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

const levels = [...Object.keys(pino.levels.values), 'silent'];

/**
 * One pino logger to stderr, shared by all clients of this process that were given none; stdout belongs to the program,
 * which may write data to it. Its level is `LOG_LEVEL`, else `warn`. An unknown level means `warn` and a warning: a
 * mistyped variable must not keep a service from starting.
 */
export function defaultLogger(): Logger {
  return processWide('default logger', () => loggerOf(process.env.LOG_LEVEL));
}

function loggerOf(variable = ''): Logger {
  const level = variable.trim().toLowerCase() || 'warn';
  if (levels.includes(level)) return loggerAt(level);
  const logger = loggerAt('warn');
  logger.warn({ known: levels }, 'the environment variable LOG_LEVEL holds no known level, so warn is used');
  return logger;
}

/** Where lines of calls that went well are left out, the first line says how to get them. */
function loggerAt(level: string): Logger {
  const destination = toStderr();
  let told = false;
  const logger = pino(
    {
      level,
      hooks: {
        logMethod(args, method) {
          if (!told) pino({ level: 'info' }, destination).info({}, hintAt(level));
          told = true;
          method.apply(this, args);
        },
      },
    },
    destination,
  );
  told = logger.isLevelEnabled('info');
  return logger;
}

function hintAt(level: string): string {
  return `pillion was given no logger, so it writes lines of level ${level} and above to stderr. For a line of every call pass a logger in deps, such as createHttpClient(config, { logger: pino() }), or set the environment variable LOG_LEVEL to info.`;
}

/** How often a line that stderr does not take is tried again, each time after 100 ms in which the process waits. */
const maxWaits = 20;
/** Bytes that are kept for a stderr that does not take them; further lines are dropped. */
const maxKept = 1_000_000;

/**
 * Writes each line at once, so that none is lost where the process exits after it. A pipe that nobody reads holds the
 * process up for two seconds altogether; stderr that is closed or broken never ends it.
 */
function toStderr(): DestinationStream {
  let waits = 0;
  const file = pino.destination({ dest: 2, sync: true, maxLength: maxKept, retryEAGAIN: () => ++waits <= maxWaits });
  file.on('write', (bytes: number) => {
    if (bytes > 0) waits = 0;
  });
  file.on('error', () => {});
  return {
    write: (line) => {
      // Test runners and other tools that capture stderr replace `write`.
      if (Object.hasOwn(process.stderr, 'write')) process.stderr.write(line);
      else file.write(line);
    },
  };
}
