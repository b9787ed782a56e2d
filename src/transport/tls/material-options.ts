/** The options that name certificates and keys, and the rules between them. */
import { z } from 'zod';
import { nothing } from '../../call/own.js';
import { duration } from '../../options/duration.js';
import { whereWell } from '../../options/options.js';

const material = 'A file path, or PEM text.';
const oneOrMore = z.lazy(() =>
  z
    .string()
    .min(1)
    .or(z.array(z.string().min(1)).min(1)),
);

const reload = z.lazy(() =>
  z.strictObject({
    interval: duration({ min: 20 })
      .prefault('5s')
      .describe(
        'Time between two comparisons of the files with what is in use, in milliseconds or as a string such as `5s`. Default: 5s. A watch on their folders usually finds a change sooner; lower this where no watch works, as on network file systems.',
      ),
    drainTimeout: duration({ min: 0 })
      .prefault('10m')
      .describe(
        'Time that calls in flight on connections with the replaced identity have to finish, in milliseconds or as a string such as `10m`. Default: 10m; then they fail with `ECONNRESET`. Raise it for longer calls or streams.',
      ),
  }),
);

/** The options that an identity is made of. */
export const materialOptions = () => ({
  cert: z
    .string()
    .min(1)
    .optional()
    .describe(`Client certificate with its chain, for servers that ask for one (mTLS); needs \`key\`. ${material}`),
  key: z.string().min(1).optional().describe(`Private key of \`cert\`. ${material}`),
  passphrase: z.string().optional().describe('Password of an encrypted `key` or `pfx`.'),
  pfx: z
    .string()
    .min(1)
    .optional()
    .describe('Path of a PKCS#12 bundle with certificate and key, in place of `cert` and `key`.'),
  ca: oneOrMore
    .optional()
    .describe(
      `Certificate authorities that are trusted in place of Node's own, one or a list; for servers with a private authority. ${material}`,
    ),
  reload: z
    .literal(false)
    .or(reload)
    .prefault(nothing)
    .describe(
      'Reads the files again when they change; new connections then use the new contents. On by default; `false`: never.',
    ),
});

/** Runs the rules between these options wherever each of them is valid. */
export const wherePaired = whereWell(['cert', 'key', 'pfx']);

/** The rules between `cert`, `key` and `pfx`. */
export function paired(
  { cert, key, pfx }: { cert?: unknown; key?: unknown; pfx?: unknown },
  { addIssue }: z.core.$RefinementCtx,
): void {
  const fault = (path: string, message: string) => addIssue({ code: 'custom', path: [path], message });
  if ((cert === undefined) !== (key === undefined))
    fault(cert === undefined ? 'cert' : 'key', 'cert and key must be given together');
  if (pfx !== undefined && cert !== undefined) fault('pfx', 'give either pfx or cert and key');
}

export type MaterialOptions = z.output<z.ZodObject<ReturnType<typeof materialOptions>>>;
