/** What a policy makes of its options, and of those that the route of a call sets in their place. */
import type { Request } from '../../call/message.js';
import { routeOption } from '../../call/request.js';

/** `make` runs once for the options of the client and once for those of each route; `off` stands for `false`. */
export function madeForRoutes<Options extends object, Made>(
  policy: string,
  options: Options,
  make: (options: Options) => Made,
  off: Made,
): (request: Request) => Made {
  const own = make(options);
  const ofRoutes = new WeakMap<Options, Made>();
  return (request) => {
    const ofRoute = routeOption(request, policy) as Options | false | undefined;
    if (ofRoute === undefined) return own;
    if (ofRoute === false) return off;
    const made = ofRoutes.get(ofRoute) ?? make(ofRoute);
    ofRoutes.set(ofRoute, made);
    return made;
  };
}
