/** Request bodies of every kind. What a call's own code makes of them runs in its context, or is counted. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import FormDataPackage from 'form-data';
import { pattern } from './pattern.mjs';

const moment = () => new Promise((resolve) => setTimeout(resolve, 1));

const broken = () => Object.assign(new Error('the source of the body broke'), { code: 'ESOURCE' });

export function bodyOf(call, world) {
  const { upload, asked } = call.plan;
  if (upload.kind === 'nothing') return undefined;
  const body = makers[upload.kind](pattern(asked.nonce, upload.size), call, world);
  if (body instanceof Readable) {
    // Whatever becomes of the call, it has to be closed.
    world.openBodies.set(body, call);
    body.once('close', () => world.openBodies.delete(body));
  }
  return body;
}

const makers = {
  string: (bytes) => bytes.latin1Slice(),
  bytes: (bytes) => bytes,
  stream: (bytes, call) => streamOf(bytes, call),
  file: (_bytes, _call, { uploadFile }) => createReadStream(uploadFile),
  // As an iterable for fetch; axios takes streams only.
  generator: (bytes, call) =>
    call.plan.way === 'fetch' || call.plan.way === 'router' ? pieces(bytes, call) : Readable.from(pieces(bytes, call)),
  web: (bytes, call) => webStreamOf(bytes, call),
  form: (bytes) => formOf(new FormData(), new Blob([bytes])),
  package: (bytes) => formOf(new FormDataPackage(), bytes),
  blob: (bytes) => new Blob([bytes]),
};

function formOf(form, content) {
  form.append('name', 'value');
  form.append('content', content, 'content.txt');
  return form;
}

/** In pieces of up to 8 KiB, some a moment apart. */
async function* pieces(bytes, call) {
  const { pause, breaks } = call.plan.upload;
  for (let at = 0; at < bytes.length; at += 8192) {
    call.here('the generator of the body');
    call.reached('upload');
    if (pause) await moment();
    call.here('the generator of the body, after its await');
    if (breaks && at + 8192 >= bytes.length) throw broken();
    yield bytes.subarray(at, at + 8192);
  }
}

function streamOf(bytes, call) {
  const { pause, breaks } = call.plan.upload;
  let at = 0;
  return new Readable({
    read() {
      call.here('read() of the body');
      call.reached('upload');
      const piece = at < bytes.length ? bytes.subarray(at, at + 8192) : null;
      at += 8192;
      if (breaks && piece === null) this.destroy(broken());
      else if (pause) setTimeout(() => this.push(piece), 1);
      else this.push(piece);
    },
    destroy(error, done) {
      call.here('destroy() of the body');
      done(error);
    },
  });
}

function webStreamOf(bytes, call) {
  const chunks = pieces(bytes, call);
  return new ReadableStream({
    async pull(controller) {
      call.here('pull() of the body');
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel: () => call.here('cancel() of the body'),
  });
}
