//! A server of layers on threads of this process.

use crate::errors;
use crate::layer::Layer;
use crate::work::refuse_fork;
use heatsplat::render::PointSet;
use heatsplat::server::{BoundServer, Registry, ServeError, ServerConfig, StopHandle};
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The longest time that running requests may take to finish when the server is stopped: a choice.
/// A cell of a notebook waits for it.
const GRACE: Duration = Duration::from_secs(2);

/// A server that answers requests until it is stopped or the process ends.
#[pyclass(frozen, module = "heatsplat._heatsplat")]
pub(crate) struct Server {
    url: String,
    port: u16,
    ids: Vec<String>,
    stop: StopHandle,
    /// The thread that runs the server; `None` once it was stopped.
    thread: Mutex<Option<JoinHandle<std::io::Result<()>>>>,
}

#[pymethods]
impl Server {
    /// Starts a server of layers at `listen`, an address and a port. `origins` are the web origins
    /// whose pages may read answers; any if there are none.
    #[new]
    fn new(
        py: Python<'_>,
        layers: Vec<PyRef<'_, Layer>>,
        listen: String,
        public_url: Option<String>,
        origins: Vec<String>,
        attribution: Option<String>,
    ) -> PyResult<Self> {
        refuse_fork()?;
        let registry = Registry::default();
        let mut ids = Vec::new();
        for layer in &layers {
            let layer = &layer.layer;
            let id = registry.announce(layer.name());
            let set = PointSet::clone(layer.data());
            let style = layer.style().clone();
            registry.put(&id, heatsplat::Layer::on_cpu(layer.name(), set, style));
            ids.push(id.as_str().to_owned());
        }
        let config = ServerConfig {
            listen,
            public_url,
            cors_origins: origins,
            attribution,
            drain_wait: Some(Duration::ZERO),
            grace: GRACE,
            ..ServerConfig::default()
        };
        let bound = py.detach(|| BoundServer::new(registry.clone(), config));
        let bound = bound.map_err(refused)?;
        let (url, stop) = (bound.url(), bound.stop());
        let address = bound.address();
        let address = address.ok_or_else(|| errors::serve("the server has no port"))?;
        // The scales are measured while the first requests come.
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let warming = named("heatsplat-scales").spawn(move || registry.warm());
        warming.map_err(errors::serve)?;
        let serving = named("heatsplat-server").spawn(|| bound.run_without_signals());
        Ok(Self {
            url,
            port: address.port(),
            ids,
            stop,
            thread: Mutex::new(Some(serving.map_err(errors::serve)?)),
        })
    }

    /// The address of the map, which ends in `/`.
    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    /// The port.
    #[getter]
    fn port(&self) -> u16 {
        self.port
    }

    /// The ids of the layers in addresses.
    #[getter]
    fn ids(&self) -> Vec<String> {
        self.ids.clone()
    }

    /// True until the server is stopped.
    #[getter]
    fn running(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Stops the server and waits for its end.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        refuse_fork()?;
        let ended = py.detach(|| {
            self.stop.stop();
            let thread = self.thread.lock();
            let thread = thread.unwrap_or_else(PoisonError::into_inner).take();
            thread.map_or(Ok(Ok(())), JoinHandle::join)
        });
        match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(errors::serve(error)),
            Err(_) => Err(errors::other("heatsplat panicked: please report it")),
        }
    }
}

fn refused(error: ServeError) -> PyErr {
    match error {
        ServeError::InUse { listen } => errors::serve(format!(
            "can't listen on {listen}: the port is in use; port=0 takes a free one"
        )),
        error => errors::serve(error),
    }
}
