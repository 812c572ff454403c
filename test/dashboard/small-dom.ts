/** As much of a document as Preact needs to draw on without a browser. */
class SmallNode {
  readonly childNodes: SmallNode[] = [];
  readonly attributes = new Map<string, string>();
  parentNode: SmallNode | null = null;
  data = '';
  readonly nodeType: 1 | 3;
  readonly localName: string;

  constructor(nodeType: 1 | 3, localName: string) {
    this.nodeType = nodeType;
    this.localName = localName;
  }

  get firstChild(): SmallNode | null {
    return this.childNodes[0] ?? null;
  }

  get nextSibling(): SmallNode | null {
    const siblings = this.parentNode?.childNodes ?? [];
    return siblings[siblings.indexOf(this) + 1] ?? null;
  }

  get ownerDocument(): object {
    return {
      createElementNS: (_: string, name: string) => new SmallNode(1, name),
      createTextNode: (data: string) => Object.assign(new SmallNode(3, ''), { data }),
    };
  }

  insertBefore(node: SmallNode, before: SmallNode | null): SmallNode {
    node.remove();
    const at = before === null ? -1 : this.childNodes.indexOf(before);
    this.childNodes.splice(at === -1 ? this.childNodes.length : at, 0, node);
    node.parentNode = this;
    return node;
  }

  remove(): void {
    const siblings = this.parentNode?.childNodes ?? [];
    if (siblings.includes(this)) siblings.splice(siblings.indexOf(this), 1);
    this.parentNode = null;
  }

  setAttribute(name: string, value: unknown): void {
    this.attributes.set(name, String(value));
  }

  removeAttribute(name: string): void {
    this.attributes.delete(name);
  }

  addEventListener(): void {
    // Nobody does anything here.
  }

  removeEventListener(): void {
    // Nobody does anything here.
  }

  get html(): string {
    if (this.nodeType === 3) return escaped(this.data);
    const attributes = [...this.attributes].map(([name, value]) => ` ${name}="${escaped(value)}"`).join('');
    return `<${this.localName}${attributes}>${this.childNodes.map(({ html }) => html).join('')}</${this.localName}>`;
  }
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** A place to draw in, and what stands in it. */
export function smallPlace(): { readonly place: Element; readonly html: () => string } {
  const node = new SmallNode(1, 'main');
  return { place: node as unknown as Element, html: () => node.html };
}
