import { column, type RowOf } from '../../../datasets/columns.ts';

/** Columns of `labels.parquet`, one row a frame; docs/simulator-export.md has the same. */
export const labelColumns = [
  column('episode', 'int32', 'counted from 0'),
  column('frame', 'int32', 'counted from 0 in its episode'),
  column('timestamp_us', 'int64', 'microseconds since the start of the episode'),
  column('image', 'string', 'path of its picture in the folder'),
  column('family', 'string', 'family of the room'),
  column('wall', 'string', 'kind of the walls'),
  column('floor', 'string', 'kind of the floor at the bottom of the picture in the middle'),
  column('obstacle', 'string', 'kind of the obstacle in view nearest the middle column, or none'),
  column('obstacle_distance_m', 'float64', 'its distance from the camera along the floor', true),
  column('obstacle_columns', 'int32', 'columns of the picture in which it is the nearest obstacle'),
  column('ahead_m', 'float64', 'distance from the camera to the first wall or obstacle straight ahead'),
  column('action', 'string', 'what the expert does in this frame'),
  column('x_m', 'float64', 'position of the robot in its room'),
  column('y_m', 'float64', 'position of the robot in its room'),
  column('heading_rad', 'float64', 'where it looks, counter-clockwise from +x'),
  column('light_fraction', 'float64', 'quirk of the camera'),
  column('exposure_stops', 'float64', 'quirk of the camera'),
  column('blur_fraction', 'float64', 'quirk of the camera'),
  column('dirt_fraction', 'float64', 'quirk of the camera'),
] as const;

export type LabelRow = RowOf<typeof labelColumns>;
