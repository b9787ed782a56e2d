/** Every table of the contract, by its subject. */
import type { Case } from '../case.js';
import { authentication } from './auth.js';
import { beforeRedirect } from './before-redirect.js';
import { binaryBodies } from './binary-bodies.js';
import { cancelTokens } from './cancel-tokens.js';
import { cancellation } from './cancellation.js';
import { connectionsKept } from './connections.js';
import { dataUrls } from './data-urls.js';
import { decompression } from './decompression.js';
import { downloads } from './downloads.js';
import { errorShape } from './error-shape.js';
import { errors } from './errors.js';
import { formData } from './form-data.js';
import { formsOfObjects } from './forms-of-objects.js';
import { overHttp2 } from './http2.js';
import { limits } from './limits.js';
import { lookupAndRate } from './lookup-and-rate.js';
import { methodsAndUrls } from './methods-and-urls.js';
import { params } from './params.js';
import { progress } from './progress.js';
import { proxies } from './proxies.js';
import { rawAnswers } from './raw-answers.js';
import { redirectHeaders } from './redirect-headers.js';
import { redirectLocations } from './redirect-locations.js';
import { redirects } from './redirects.js';
import { requestBodies } from './request-bodies.js';
import { requestHeaders } from './request-headers.js';
import { responseHeaders } from './response-headers.js';
import { responseShape } from './response-shape.js';
import { responseTypes } from './response-types.js';
import { socketsAndAgents } from './sockets-and-agents.js';
import { statuses } from './statuses.js';
import { timeouts } from './timeouts.js';
import { transforms } from './transforms.js';
import { uploads } from './uploads.js';

type Tables = Readonly<Record<string, readonly Case[]>>;

export const requests: Tables = {
  'methods and URLs': methodsAndUrls,
  parameters: params,
  'headers of requests': requestHeaders,
  authentication,
  'request bodies': requestBodies,
  bytes: binaryBodies,
  forms: formData,
  'forms of objects': formsOfObjects,
};

export const responses: Tables = {
  'response types': responseTypes,
  decompression,
  limits,
  statuses,
  'headers of responses': responseHeaders,
  'shape of responses': responseShape,
  errors,
  'shape of errors': errorShape,
  'transforms and interceptors': transforms,
};

export const redirected: Tables = {
  redirects,
  locations: redirectLocations,
  'headers of redirects': redirectHeaders,
  beforeRedirect,
};

export const flows: Tables = { uploads, downloads, progress, cancellation, 'cancel tokens': cancelTokens, timeouts };

export const connected: Tables = {
  connections: connectionsKept,
  'raw answers': rawAnswers,
  'HTTP/2': overHttp2,
  proxies,
  'sockets and agents': socketsAndAgents,
  'lookups and rates': lookupAndRate,
  'data URLs': dataUrls,
};

export const everything: Tables = { ...requests, ...responses, ...redirected, ...flows, ...connected };
