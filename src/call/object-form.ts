/**
 * Remembers the fields of forms that axios makes of objects (`postForm`, or the type `multipart/form-data`), so that
 * they can be sent again: the form-data package makes a stream of them, which can be read only once.
 */
import axios, { type AxiosRequestConfig } from 'axios';
import type { Request } from './message.js';

/** The part of the form-data package that is used here. */
interface FormPackage {
  append(...field: Field): void;
}
type Field = [name: string, value: unknown, ...options: unknown[]];
type FormPackageClass = new (...options: unknown[]) => FormPackage;

const made = Symbol('pillion.form');

const remembering = new WeakSet<object>();

/**
 * A subclass for axios's `env.FormData` whose forms remember their fields. A class of another kind is returned as it
 * is.
 */
export function rememberingFields(Form: unknown): unknown {
  if (!isFormPackage(Form) || remembering.has(Form)) return Form;
  const Plain = Form;
  const Remembering = class FormData extends Plain {
    /** Undefined once a field was added that can be read only once. */
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

/** axios's `env`, with the class that remembers fields. */
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

/** The fields of a form. Policies see this object; each attempt builds a form of it. */
export class ObjectForm {
  readonly fields: Field[] = [];
  readonly #Form: FormPackageClass;

  constructor(Form: FormPackageClass) {
    this.#Form = Form;
  }

  /** Builds a form, as axios would hand it to an adapter. */
  open(): unknown {
    const form = new this.#Form();
    for (const field of this.fields) form.append(...field);
    return form;
  }
}

/** The body as an `ObjectForm` where axios made it of an object with plain fields only; any other body as it is. */
export function replayable(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  return (body as { [made]?: ObjectForm })[made] ?? body;
}

/** The request as a wire takes it, with a form built for this attempt. */
export function withForm(request: Request): Request {
  return request.data instanceof ObjectForm ? { ...request, data: request.data.open() } : request;
}
