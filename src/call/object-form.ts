/**
 * Forms that axios makes of objects (`postForm`, or the type `multipart/form-data`). The form-data package makes a stream of
 * them, which is gone once it was read; of texts and bytes they can be sent as often as one likes.
 */
import axios, { type AxiosRequestConfig } from 'axios';
import type { Request } from './message.js';

/** What of the form-data package is used. */
interface FormPackage {
  append(...field: Field): void;
}
type Field = [name: string, value: unknown, ...options: unknown[]];
type FormPackageClass = new (...options: unknown[]) => FormPackage;

const made = Symbol('pillion.form');

const remembering = new WeakSet<object>();

/** The same class for axios's `env.FormData`: a form of it remembers its fields. A class of another kind stays as it is. */
export function rememberingFields(Form: unknown): unknown {
  if (!isFormPackage(Form) || remembering.has(Form)) return Form;
  const Plain = Form;
  const Remembering = class FormData extends Plain {
    /** Undefined where a field can be read only once. */
    [made]: ObjectForm | undefined = new ObjectForm(Plain);

    override append(...field: Field): void {
      if (isPlain(field[1])) this[made]?.fields.push(field);
      else this[made] = undefined;
      super.append(...field);
    }
  };
  remembering.add(Remembering);
  return Remembering;
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

function isPlain(value: unknown): boolean {
  return value === null || Buffer.isBuffer(value) || (typeof value !== 'object' && typeof value !== 'function');
}

/** The fields of a form: what policies see, and each attempt has a form made of it. */
export class ObjectForm {
  readonly fields: Field[] = [];
  readonly #Form: FormPackageClass;

  constructor(Form: FormPackageClass) {
    this.#Form = Form;
  }

  /** As axios would hand it to an adapter. */
  open(): unknown {
    const form = new this.#Form();
    for (const field of this.fields) form.append(...field);
    return form;
  }
}

/** A body that axios made of an object, where possible in a form that can be sent again; any other as it is. */
export function replayable(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  return (body as { [made]?: ObjectForm })[made] ?? body;
}

/** The request as a wire takes it. */
export function withForm(request: Request): Request {
  return request.data instanceof ObjectForm ? { ...request, data: request.data.open() } : request;
}
