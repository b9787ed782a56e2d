/** Each function returns a library, which its first call loads. */
export declare function levenshtein(): typeof import('fastest-levenshtein');
export declare function openTelemetry(): typeof import('@opentelemetry/api');
export declare function pinoLibrary(): typeof import('pino');
export declare function undiciClient(): Pick<typeof import('undici'), 'Client'>;
