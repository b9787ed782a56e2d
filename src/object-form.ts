/**
 * Forms that axios makes of objects (`postForm`, or the type `multipart/form-data`). The form-data package makes a stream of
 * them, which is gone once it was read; of texts and bytes they can be sent as often as one likes.
 */
import axios, { type AxiosRequestConfig } from 'axios';

/** A field as it goes on the wire: bytes without the name of a file. */
export type Field = readonly [name: string, value: string | Buffer];

/** What of the form-data package is used. */
interface FormPackage {
  append(name: string, value: unknown, options?: unknown): void;
}
type FormPackageClass = new (...options: unknown[]) => FormPackage;

const fields = Symbol('pillion.fields');

const remembering = new WeakSet<object>();

/** The same class for axios's `env.FormData`: a form of it remembers its fields. A class of another kind stays as it is. */
export function rememberingFields(Form: unknown): unknown {
  if (!isFormPackage(Form) || remembering.has(Form)) return Form;
  const made = class FormData extends Form {
    /** Undefined where one of them can be read only once, or where somebody says how it is sent. */
    [fields]: Field[] | undefined = [];

    override append(name: string, value: unknown, ...options: unknown[]): void {
      const sent = typeof value === 'number' ? String(value) : value;
      if (options.length === 0 && isPlain(sent)) this[fields]?.push([name, sent]);
      else this[fields] = undefined;
      super.append(name, value, ...options);
    }
  };
  remembering.add(made);
  return made;
}

/** axios's `env`, with the class that remembers. */
export const forms = {
  ...axios.defaults.env,
  FormData: rememberingFields(axios.defaults.env?.FormData),
} as NonNullable<AxiosRequestConfig['env']>;

function isFormPackage(Form: unknown): Form is FormPackageClass {
  const { append, getHeaders, getBoundary } = (Form as { prototype?: Record<string, unknown> })?.prototype ?? {};
  return [append, getHeaders, getBoundary].every((method) => typeof method === 'function');
}

/** The form-data package takes a `name` or a `path` of bytes for that of a file. */
function isPlain(value: unknown): value is string | Buffer {
  return typeof value === 'string' || (Buffer.isBuffer(value) && !('name' in value) && !('path' in value));
}

/** For policies and other wires a `FormData`; ours write its fields as axios would. */
export class ObjectForm extends FormData {
  readonly fields: readonly Field[];

  constructor(made: readonly Field[]) {
    super();
    this.fields = made;
    for (const [name, value] of made)
      this.append(name, typeof value === 'string' ? value : (new File([value], '') as Blob));
  }
}

/** A body that axios made of an object, where possible in a form that can be sent again; any other as it is. */
export function replayable(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  const made = (body as { [fields]?: Field[] })[fields];
  return made === undefined ? body : new ObjectForm(made);
}
