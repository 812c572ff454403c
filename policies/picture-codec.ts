/** What turns encoded images into pixels and back; an adapter speaks to the program that does. */
export interface PictureCodec {
  /** RGB of a JPEG or PNG, scaled to width × height whatever its proportions. Throws for what cannot be decoded. */
  scaled(encoded: Uint8Array, width: number, height: number): Promise<Uint8Array>;
  /** RGB of exactly width × height pixels; throws for another size as well. */
  exact(encoded: Uint8Array, width: number, height: number): Promise<Uint8Array>;
  /** A JPEG of RGB. */
  encoded(rgb: Uint8Array, width: number, height: number): Promise<Uint8Array>;
}
