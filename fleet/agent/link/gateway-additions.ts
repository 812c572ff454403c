import { additionsIn, wireHeaders, type Addition } from '../../protocol/index.ts';

/**
 * What the gateway takes beyond what gateways of before take, by its last answer. Another gateway may answer the next request, also an older
 * one: whoever sends an addition must bear that it is refused.
 */
export interface GatewayAdditions {
  readonly knows: (addition: Addition) => boolean;
  /** Of every answer. */
  readonly heard: (headers: Headers) => void;
  /** A gateway refused a request with an addition: none is sent until one is announced again. */
  readonly refused: () => void;
}

export function createGatewayAdditions(): GatewayAdditions {
  let known: ReadonlySet<Addition> = new Set();
  return {
    knows: (addition) => known.has(addition),
    heard: (headers) => void (known = additionsIn(headers.get(wireHeaders.knows))),
    refused: () => void (known = new Set()),
  };
}
