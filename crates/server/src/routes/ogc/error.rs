//! Errors of OGC services, and the documents by which they are reported.

use crate::http::error::ApiError;
use crate::http::xml::escaped;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use std::borrow::Cow;

/// An error of a service: the standard's code for this kind of error, the parameter that the error
/// concerns, and a sentence for people.
#[derive(Debug)]
pub(super) struct OgcError {
    code: &'static str,
    /// The name of the request's parameter that the error concerns; empty if it concerns none.
    parameter: &'static str,
    status: StatusCode,
    message: Cow<'static, str>,
}

/// The kind of an error document. Each service has its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorForm {
    Wms111,
    Wms130,
    /// OWS Common 1.1, which WMTS uses.
    Ows,
}

impl OgcError {
    pub(super) fn new(
        code: &'static str,
        parameter: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code,
            parameter,
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    pub(super) fn missing(parameter: &'static str) -> Self {
        let message = format!("the parameter {parameter} is missing");
        Self::new("MissingParameterValue", parameter, message)
    }

    pub(super) fn invalid(parameter: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("InvalidParameterValue", parameter, message)
    }

    /// The error for a layer that can't be used. If there is no such layer, the error has the code
    /// `code` and concerns `parameter`. If the layer is still loading, the error has the status
    /// 503.
    pub(super) fn of_layer(error: &ApiError, code: &'static str, parameter: &'static str) -> Self {
        let mut converted = Self::from(error.clone());
        if error.status() == StatusCode::NOT_FOUND {
            (converted.code, converted.parameter) = (code, parameter);
        }
        converted
    }

    /// Converts this error to an error of the server's other routes.
    pub(super) fn into_api(self) -> ApiError {
        ApiError::with_status(self.status, self.message)
    }

    /// Makes the answer that reports this error as an XML document of the given kind. Its status is
    /// 400 for a wrong parameter or an unknown layer. For other errors, which another route has
    /// reported, it is the status of that route's answer, like 503.
    pub(super) fn report(self, form: ErrorForm) -> Response {
        let text = escaped(&self.message);
        let attribute = |name: &str, value: &str| match value.is_empty() {
            true => String::new(),
            false => format!(" {name}=\"{value}\""),
        };
        let (kind, body) = match form {
            ErrorForm::Ows => {
                let locator = attribute("locator", self.ows_parameter());
                let body = format!(
                    "<ExceptionReport xmlns=\"http://www.opengis.net/ows/1.1\" version=\"1.1.0\">\n\
                     <Exception exceptionCode=\"{}\"{locator}>\
                     <ExceptionText>{text}</ExceptionText></Exception>\n</ExceptionReport>\n",
                    self.ows_code()
                );
                ("text/xml", body)
            }
            ErrorForm::Wms130 => {
                let (code, locator) = (self.wms_code(), attribute("locator", self.parameter));
                let code = attribute("code", code);
                let body = format!(
                    "<ServiceExceptionReport xmlns=\"http://www.opengis.net/ogc\" \
                     version=\"1.3.0\">\n<ServiceException{code}{locator}>{text}\
                     </ServiceException>\n</ServiceExceptionReport>\n"
                );
                ("text/xml", body)
            }
            ErrorForm::Wms111 => {
                let code = attribute("code", self.wms_code());
                let body = format!(
                    "<!DOCTYPE ServiceExceptionReport SYSTEM \
                     \"http://schemas.opengis.net/wms/1.1.1/exception_1_1_1.dtd\">\n\
                     <ServiceExceptionReport version=\"1.1.1\">\n<ServiceException{code}>{text}\
                     </ServiceException>\n</ServiceExceptionReport>\n"
                );
                ("application/vnd.ogc.se_xml", body)
            }
        };
        let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
        let mut response = Response::new(Body::from(declared));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    /// The error's code in OWS Common, which WMTS uses. There a wrong style or format has the code
    /// of all other wrong values of parameters.
    fn ows_code(&self) -> &'static str {
        match self.code {
            "StyleNotDefined" | "InvalidFormat" => "InvalidParameterValue",
            code => code,
        }
    }

    /// The parameter's name in WMTS, which differs from its name in WMS for some parameters.
    fn ows_parameter(&self) -> &'static str {
        match self.parameter {
            "STYLES" => "Style",
            "INFO_FORMAT" => "InfoFormat",
            name => name,
        }
    }

    /// The error's code in WMS; empty for a kind of error for which WMS has no code.
    fn wms_code(&self) -> &'static str {
        const CODES: [&str; 8] = [
            "InvalidFormat",
            "InvalidCRS",
            "InvalidSRS",
            "LayerNotDefined",
            "StyleNotDefined",
            "LayerNotQueryable",
            "InvalidPoint",
            "OperationNotSupported",
        ];
        CODES
            .into_iter()
            .find(|code| *code == self.code)
            .unwrap_or_default()
    }
}

impl From<ApiError> for OgcError {
    /// Converts an error of another route. Errors of parameters and of layers have the status 400,
    /// as clients of the services expect.
    fn from(error: ApiError) -> Self {
        let (code, status) = match error.status() {
            StatusCode::BAD_REQUEST => ("InvalidParameterValue", StatusCode::BAD_REQUEST),
            StatusCode::NOT_FOUND => ("NoApplicableCode", StatusCode::BAD_REQUEST),
            other => ("NoApplicableCode", other),
        };
        Self {
            code,
            parameter: "",
            status,
            message: error.into_message(),
        }
    }
}
