//! Where the server listens, and what happens when somebody else does already.

use std::net::TcpListener;
use std::sync::Arc;

use millstream_engine::Service;
use millstream_queries::{HttpService, ServeError};

use crate::made_up::{MadeUp, Tested};

#[test]
fn a_taken_port_is_an_error_that_names_it() -> Tested {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?;
    let mut service = HttpService::new(address.to_string());
    let error = service
        .serve(Arc::new(MadeUp::default()))
        .expect_err("the port is taken");
    assert!(matches!(error, ServeError::Taken { .. }), "{error}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert_eq!(service.address().get(), None);
    Ok(())
}

#[test]
fn a_free_port_is_taken_instead_if_that_will_do() -> Tested {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?;
    let mut service = HttpService::new(address.to_string()).or_free_port();
    service.serve(Arc::new(MadeUp::default()))?;
    let bound = *service.address().get().ok_or("it is bound")?;
    assert_eq!(bound.ip(), address.ip());
    assert_ne!(bound.port(), address.port());
    Ok(())
}

#[test]
fn bad_addresses_are_told() {
    for address in ["", "8080", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:x"] {
        let error = HttpService::new(address).serve(Arc::new(MadeUp::default()));
        let error = error.expect_err("no address");
        assert!(
            matches!(error, ServeError::BadAddress { .. }),
            "{address}: {error}"
        );
    }
}

#[test]
fn a_stopped_server_leaves_its_port() -> Tested {
    let mut service = HttpService::new("127.0.0.1:0");
    service.serve(Arc::new(MadeUp::default()))?;
    let address = *service.address().get().ok_or("it is bound")?;
    assert!(matches!(
        service.serve(Arc::new(MadeUp::default())),
        Err(ServeError::Running)
    ));
    service.stop();
    service.stop();
    TcpListener::bind(address)?;
    Ok(())
}
