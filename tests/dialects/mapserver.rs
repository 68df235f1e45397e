//! The real MapServer, compared with what heatsplat draws after importing its mapfile.

use super::{SIDE, compare, csv, half, pixels};
use crate::compare::decode_png;
use crate::requirements::left_out;
use heatsplat_import as import;
use std::fs;
use std::process::Command;

/// A mapfile for MapServer in which a column has the weights of the points.
fn mapfile(normalization: &str) -> String {
    let half = half();
    format!(
        r##"MAP
  NAME "m" SIZE {SIDE} {SIDE} EXTENT -{half} -{half} {half} {half} PROJECTION "init=epsg:3857" END
  IMAGETYPE png OUTPUTFORMAT NAME "png" DRIVER AGG/PNG IMAGEMODE RGBA TRANSPARENT ON END
  LAYER
    NAME "heat" TYPE raster CONNECTIONTYPE kerneldensity CONNECTION "points" STATUS on
    PROJECTION "init=epsg:3857" END
    PROCESSING "RANGE_COLORSPACE=RGB"
    PROCESSING "KERNELDENSITY_RADIUS=30"
    PROCESSING "KERNELDENSITY_COMPUTE_BORDERS=ON"
    PROCESSING "KERNELDENSITY_NORMALIZATION={normalization}"
    OFFSITE 0 0 0
    CLASS
      STYLE COLORRANGE "#0000ff00" "#0000ffff" DATARANGE 0 32 END
      STYLE COLORRANGE "#0000ffff" "#00ff00ff" DATARANGE 32 128 END
      STYLE COLORRANGE "#00ff00ff" "#ff0000ff" DATARANGE 128 255 END
    END
  END
  LAYER
    NAME "points" TYPE point STATUS on CONNECTIONTYPE OGR CONNECTION "points.vrt" DATA "points"
    PROJECTION "init=epsg:3857" END
    CLASS STYLE SIZE [weight] END END
  END
END
"##
    )
}

#[test]
fn mapservers_find_their_pictures_again() {
    if Command::new("map2img").arg("-v").output().is_err() {
        left_out("the test of MapServer's dialect needs map2img (mapserver-bin)");
        return;
    }
    let folder = crate::program::folder("mapserver");
    fs::write(folder.join("points.csv"), csv()).unwrap();
    let source = r#"<OGRVRTDataSource><OGRVRTLayer name="points">
        <SrcDataSource relativeToVRT="1">points.csv</SrcDataSource><GeometryType>wkbPoint</GeometryType>
        <LayerSRS>EPSG:3857</LayerSRS><GeometryField encoding="PointFromColumns" x="x" y="y"/>
        <Field name="weight" type="Real"/></OGRVRTLayer></OGRVRTDataSource>"#;
    fs::write(folder.join("points.vrt"), source).unwrap();
    for normalization in ["8", "AUTO"] {
        let text = mapfile(normalization);
        fs::write(folder.join("heat.map"), &text).unwrap();
        let run = Command::new("map2img")
            .args(["-m", "heat.map", "-o", "heat.png", "-l", "heat"])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        let theirs = decode_png(&fs::read(folder.join("heat.png")).unwrap());
        let imported = import::style(&text).unwrap();
        assert_eq!(imported.columns.weight.as_deref(), Some("weight"));
        compare("mapserver", &pixels(&theirs), &imported);
    }
}
