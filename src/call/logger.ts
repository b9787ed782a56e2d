/** The interface of a logger, and the pino logger that is used where none is given. */
import { hostname } from 'node:os';
import type { DestinationStream, LoggerOptions } from 'pino';
import { pinoLibrary } from './on-demand.cjs';
import { processWide } from './process-wide.js';

/** A method of a logger: fields first, then the message, as in pino. */
export type LogMethod = (fields: object, message: string) => void;

/** Any logger of pino's shape. */
export interface Logger {
  /** Lines about attempts. */
  debug: LogMethod;
  /** Lines about calls answered with a status below 400, and about what has ended well. */
  info: LogMethod;
  /** Lines about calls answered with 4xx, and about events that an operator should look at. */
  warn: LogMethod;
  /** Lines about calls answered with 5xx, or not answered. */
  error: LogMethod;
  /** Called before a log line is built, if the logger has it; false skips the line. */
  isLevelEnabled?(level: string): boolean;
}

/** Names of fields that a log pipeline expects: OpenTelemetry (the default), Elastic, Datadog, Google Cloud. */
export const logProfileNames = ['otel', 'ecs', 'datadog', 'gcp'] as const;

/** The name of a profile, as in `logging.profile`. */
export type LogProfileName = (typeof logProfileNames)[number];

/** From the least to the most important; `silent` writes nothing. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const isoTime = (key: string) => () => `,"${key}":"${new Date().toISOString()}"`;
const ofPino: Readonly<Record<string, string>> = { trace: 'DEBUG', warn: 'WARNING', fatal: 'CRITICAL' };

/** How pino spells message, time and level for each profile; `otel` has pino's own spelling. */
const spellings = (): Readonly<Record<LogProfileName, LoggerOptions>> => ({
  otel: {},
  // https://www.elastic.co/docs/reference/ecs/logging/intro: @timestamp, log.level, message and ecs.version are required.
  ecs: {
    messageKey: 'message',
    timestamp: isoTime('@timestamp'),
    base: { 'ecs.version': '8.11.0', 'process.pid': process.pid, 'host.hostname': hostname() },
    formatters: { level: (label) => ({ 'log.level': label }) },
  },
  // https://docs.datadoghq.com/logs/log_configuration/pipelines/: the default attributes of date, status and message.
  datadog: {
    messageKey: 'message',
    timestamp: isoTime('timestamp'),
    formatters: { level: (label) => ({ status: label }) },
  },
  // https://cloud.google.com/logging/docs/structured-logging: severity, message and time.
  gcp: {
    messageKey: 'message',
    timestamp: isoTime('time'),
    formatters: { level: (label) => ({ severity: ofPino[label] ?? label.toUpperCase() }) },
  },
});

/** pino's levels and their numbers. */
const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: Number.POSITIVE_INFINITY };
type PinoLevel = keyof typeof levels;
const isLevel = (name: string): name is PinoLevel => Object.hasOwn(levels, name);

/** A logger that loads pino when it writes its first line: many processes never write one. */
function onceWritten(level: PinoLevel, make: () => Logger): Logger {
  let logger: Logger | undefined;
  const isLevelEnabled = (name: string) => isLevel(name) && levels[name] >= levels[level];
  const method =
    (name: LogLevel & keyof Logger): LogMethod =>
    (fields, message) => {
      if (!isLevelEnabled(name)) return;
      logger ??= make();
      logger[name](fields, message);
    };
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error'), isLevelEnabled };
}

/**
 * A pino logger to stderr, shared by all clients of this process that were given none and have the same profile and level;
 * stdout belongs to the program, which may write data to it. Its level is the given one, else `LOG_LEVEL`, else `warn`. An
 * unknown level in the variable means `warn` and a warning: a mistyped variable must not keep a service from starting.
 */
export function defaultLogger(profile: LogProfileName = 'otel', level?: LogLevel): Logger {
  return processWide(`default logger ${profile} ${level ?? ''}`, () => {
    if (level !== undefined)
      return onceWritten(level, () => pinoLibrary().pino({ ...spellings()[profile], level }, stderrOnce()));
    return loggerOf(process.env.LOG_LEVEL, profile);
  });
}

/** What has been told once in this process. */
const told = () => processWide('told by default loggers', () => ({ hint: false, level: false }));

function loggerOf(variable = '', profile: LogProfileName): Logger {
  const level = variable.trim().toLowerCase() || 'warn';
  if (isLevel(level)) return loggerAt(level, profile);
  const logger = loggerAt('warn', profile);
  if (told().level) return logger;
  told().level = true;
  logger.warn(
    { known: Object.keys(levels) },
    'the environment variable LOG_LEVEL holds no known level, so warn is used',
  );
  return logger;
}

function loggerAt(level: PinoLevel, profile: LogProfileName): Logger {
  return onceWritten(level, () => hintingLogger(level, profile));
}

/** Where lines of calls that went well are left out, the first line says how to get them. */
function hintingLogger(level: PinoLevel, profile: LogProfileName): Logger {
  const { pino } = pinoLibrary();
  const destination = stderrOnce();
  const spelling = spellings()[profile];
  let hints = true;
  const logger = pino(
    {
      ...spelling,
      level,
      hooks: {
        logMethod(args, method) {
          if (hints && !told().hint) pino({ ...spelling, level: 'info' }, destination).info({}, hintAt(level));
          if (hints) told().hint = true;
          hints = false;
          method.apply(this, args);
        },
      },
    },
    destination,
  );
  hints = levels[level] > levels.info;
  return logger;
}

function hintAt(level: string): string {
  return `pillion was given no logger, so it writes lines of level ${level} and above to stderr. For a line of every call pass a logger in deps, such as createHttpClient(config, { logger: pino() }), or set the environment variable LOG_LEVEL to info.`;
}

/** One for all default loggers. */
function stderrOnce(): DestinationStream {
  return processWide('stderr of default loggers', toStderr);
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
  const file = pinoLibrary().destination({
    dest: 2,
    sync: true,
    maxLength: maxKept,
    retryEAGAIN: () => ++waits <= maxWaits,
  });
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
