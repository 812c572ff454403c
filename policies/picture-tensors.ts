import { imagePort, seenSizes } from './images/camera-layers.ts';
import type { NetworkShape } from './network.ts';
import type { RowBlock } from './rows.ts';
import { uint8Tensor, type Tensor, type Tensors } from './runtime.ts';
import { dictionary } from '../domain/dictionary.ts';

/** A block's pictures as inputs of a graph. Throws where a camera's are missing or of another size. */
export const pictureTensors = ({ images = [] }: NetworkShape, { pictures, rows }: RowBlock): Tensors =>
  dictionary(
    images.map((shape, index): [string, Tensor] => {
      const { camera, height, width } = shape;
      const bytes = pictures?.[index];
      const size = seenSizes(shape).reduce((product, side) => product * side, rows);
      if (bytes?.length !== size)
        throw new Error(
          `expected ${size} bytes of ${rows} pictures of camera ${camera}, ${height} × ${width} pixels each, got ${bytes?.length ?? 'none'}`,
        );
      return [imagePort(camera), uint8Tensor(bytes, [rows, ...seenSizes(shape)])];
    }),
  );
